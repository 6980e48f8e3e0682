import { StoreUnavailableError } from "@veil/keys";
import { TimeLimitError, withinTime } from "@veil/runtime";
import { STORE_UNAVAILABLE, WriteIndeterminateUnavailableError } from "../errors.ts";
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
    return await withinTime(read(), answerBy - clock.now());
  } catch (error) {
    if (!(error instanceof StoreUnavailableError || error instanceof TimeLimitError)) throw error;
    throw new WriteIndeterminateUnavailableError(writeJob(operation).action, STORE_UNAVAILABLE, { cause: error });
  }
}
