import type { RequestScope } from "../../src/ports.ts";
import { RecordingLog } from "./recording-log.ts";

/** A request as the operations see it. */
export function requestScope(): RequestScope & { readonly log: RecordingLog } {
  return { requestId: "request-1", log: new RecordingLog() };
}
