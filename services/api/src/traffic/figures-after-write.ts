import { StoreUnavailableError } from "@veil/keys";
import { readInTime } from "../jobs/read-in-time.ts";
import type { WritePorts } from "../jobs/run-write-job.ts";
import { limitsOf } from "../jobs/write-limits.ts";
import type { RequestScope, TrafficFigures, TrafficReader } from "../ports.ts";
import { shownFigures } from "../shown-figures.ts";

/**
 * {@link shownFigures} for the answer to a write that was done: null as well where the store gives none in time. An error would have
 * the caller do it once more.
 */
export async function figuresAfterWrite(
  keyId: number,
  scope: RequestScope,
  ports: Pick<WritePorts, "clock" | "writeDeadlineMs"> & { readonly traffic: Pick<TrafficReader, "find"> },
): Promise<TrafficFigures | null> {
  const { clock, traffic } = ports;
  try {
    return await readInTime(shownFigures(keyId, traffic), limitsOf(scope, ports).answerBy - clock.now());
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    scope.log.warn({ key_id: keyId, err: error }, "a change is answered without the key's traffic");
    return null;
  }
}
