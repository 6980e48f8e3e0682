import { STORE_OPERATION_LIMIT_MS, StoreRejectedError, StoreUnavailableError } from "@veil/keys";
import mongoose, { type mongo } from "mongoose";

const { MongoBulkWriteError, MongoError, MongoServerError } = mongoose.mongo;

/**
 * Server codes after which the same operation may succeed later and this one may have happened: hosts out of reach (6, 7),
 * lock timeouts (24), time limits (50, 89, 202, 262), write concern not met (64, 100), write conflicts (112), shutting or
 * stepping down (91, 189, 11600, 11602), interrupted (11601), sockets (9001).
 */
const retryableCodes = new Set([6, 7, 24, 50, 64, 89, 91, 100, 112, 189, 202, 262, 9001, 11600, 11601, 11602]);

/**
 * Server codes with which an operation is refused for as long as an operator, or an election, takes: nothing of it happened.
 * Accounts and roles (11, 13, 18, 391, 8000 of Atlas), no suitable member (133, 134), not the primary (10107, 13435, 13436),
 * no disk space (14031).
 */
const rejectedCodes = new Set([11, 13, 18, 133, 134, 391, 8000, 10107, 13435, 13436, 14031]);

/** Of the sockets themselves: the driver hands on what Node says when it writes to one that the server just closed. */
const socketCodes = new Set(["EPIPE", "ECONNRESET", "ECONNREFUSED", "ETIMEDOUT"]);

/** MongoDB's code for a second document with the same unique value; its text differs between engines. */
export const DUPLICATE_KEY_CODE = 11_000;

/**
 * Runs a store operation and turns what means "MongoDB is away" into StoreUnavailableError, and what means that it refused
 * for now into StoreRejectedError.
 *
 * One that does not end within {@link STORE_OPERATION_LIMIT_MS}, beyond every time limit of the driver, is given up: some of its
 * waits have none, see `watchHeartbeats`. It may still happen.
 *
 * @throws {StoreUnavailableError} when the same may succeed later, otherwise the error itself
 */
export async function storeErrors<T>(operation: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new StoreUnavailableError(new Error(`no end after ${STORE_OPERATION_LIMIT_MS} ms`)));
    timer = setTimeout(giveUp, STORE_OPERATION_LIMIT_MS).unref();
  });
  try {
    return await Promise.race([operation(), givenUp]);
  } catch (error) {
    if (isRejection(error)) throw new StoreRejectedError(error);
    if (isRetryable(error)) throw new StoreUnavailableError(error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Part of a bulk write may have been done before the rest of it was refused. */
function isRejection(error: unknown): boolean {
  if (!(error instanceof MongoServerError)) return false;
  if (error instanceof MongoBulkWriteError && (isOutcomeUnknown(error) || hasWritten(error))) return false;
  return typeof error.code === "number" && rejectedCodes.has(error.code);
}

function isRetryable(error: unknown): boolean {
  if (error instanceof MongoBulkWriteError && isOutcomeUnknown(error)) return true;
  if (error instanceof MongoServerError) {
    if (error.hasErrorLabel("RetryableWriteError")) return true;
    return typeof error.code === "number" && (retryableCodes.has(error.code) || rejectedCodes.has(error.code));
  }
  if (error instanceof MongoError) return true;
  if (error instanceof Error && "code" in error && socketCodes.has(String(error.code))) return true;
  return (
    error instanceof mongoose.MongooseError && /initial connection|not connected|disconnected/i.test(error.message)
  );
}

/**
 * The failures of a bulk write, document by document; the other documents were written.
 *
 * @throws the error itself when it says nothing of single documents: the driver wraps whatever cut the command short,
 * a lost connection too, in the same class, with no failure in its list
 */
export function writeFailures(error: unknown): mongo.WriteError[] {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const failures = [error.writeErrors].flat();
  if (failures.length === 0 || isOutcomeUnknown(error)) throw error;
  return failures;
}

/** Without a code it is not the server that speaks; without its write concern nothing is acknowledged. */
function isOutcomeUnknown(error: mongo.MongoBulkWriteError): boolean {
  return error.code === undefined || error.result.getWriteConcernError() !== undefined;
}

function hasWritten({ insertedCount, matchedCount, deletedCount, upsertedCount }: mongo.MongoBulkWriteError): boolean {
  return insertedCount + matchedCount + deletedCount + upsertedCount > 0;
}

/** Whether a write failed only because a document of that `_id` was there already. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY_CODE;
}
