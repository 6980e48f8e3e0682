import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import {
  RECORD_UNREADABLE,
  STORE_UNAVAILABLE,
  WriteIndeterminateError,
  WriteIndeterminateUnavailableError,
} from "../errors.ts";
import { readInTime } from "./read-in-time.ts";
import type { WritePorts } from "./run-write-job.ts";
import { writeJob, type WriteOperation } from "./write-jobs.ts";
import type { WriteLimits } from "./write-limits.ts";

/**
 * Reads what became of a write whose job gave no result.
 *
 * @throws {WriteIndeterminateUnavailableError} when the store does not say so in time; {@link WriteIndeterminateError} when what it
 *   says makes no sense
 */
export async function readWithin<T>(
  read: () => Promise<T>,
  operation: WriteOperation,
  { answerBy }: WriteLimits,
  { clock }: Pick<WritePorts, "clock">,
): Promise<T> {
  const { action } = writeJob(operation);
  try {
    return await readInTime(read(), answerBy - clock.now());
  } catch (error) {
    if (error instanceof UnreadableRecordError)
      throw new WriteIndeterminateError(action, RECORD_UNREADABLE, { cause: error });
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new WriteIndeterminateUnavailableError(action, STORE_UNAVAILABLE, { cause: error });
  }
}
