import { StoreUnavailableError } from "@veil/keys";
import { TimeLimitError, withinTime } from "@veil/runtime";

/**
 * What a read of the store finds. One that takes too long is a store that is away.
 *
 * @throws {StoreUnavailableError} when the store does not say so in time
 */
export async function readInTime<T>(read: Promise<T>, withinMs: number): Promise<T> {
  try {
    return await withinTime(read, withinMs);
  } catch (error) {
    throw error instanceof TimeLimitError ? new StoreUnavailableError(error) : error;
  }
}
