import { StoreUnavailableError } from "@veil/keys";
import { STORE_UNAVAILABLE, WriteIndeterminateUnavailableError } from "../errors.ts";
import { readInTime } from "./read-in-time.ts";
import type { WritePorts } from "./run-write-job.ts";
import { writeJob, type WriteOperation } from "./write-jobs.ts";
import type { WriteLimits } from "./write-limits.ts";

/**
 * Reads what became of a write whose job gave no result.
 *
 * @throws {WriteIndeterminateUnavailableError} when the store does not say so in time
 */
export async function readWithin<T>(
  read: () => Promise<T>,
  operation: WriteOperation,
  { answerBy }: WriteLimits,
  { clock }: Pick<WritePorts, "clock">,
): Promise<T> {
  try {
    return await readInTime(read(), answerBy - clock.now());
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new WriteIndeterminateUnavailableError(writeJob(operation).action, STORE_UNAVAILABLE, { cause: error });
  }
}
