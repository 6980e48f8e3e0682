import { CallerKeys } from "../../src/caller-keys.ts";
import type { Caller, RequestScope } from "../../src/ports.ts";
import type { InMemoryPlane } from "./in-memory-plane.ts";
import { RecordingLog } from "./recording-log.ts";
import { timerClock } from "./timer-clock.ts";

/** One who may do everything, to everybody's keys or one owner's. */
export function callerOfTests(owner: string | null = null): Caller {
  return { label: "test", id: "test", scopes: ["*"], owner, addresses: null, rate: null };
}

/** A request as the operations see it. */
export function requestScope(owner: string | null = null): RequestScope & { readonly log: RecordingLog } {
  return { requestId: "request-1", log: new RecordingLog(), caller: callerOfTests(owner) };
}

/** The keys as the sender of a request sees them. */
export function callerKeys(plane: InMemoryPlane, owner: string | null = null): CallerKeys {
  return new CallerKeys({ owner }, plane.keyReader, timerClock);
}
