import { StoreUnavailableError } from "@veil/keys";
import mongoose, { type mongo } from "mongoose";

const { MongoBulkWriteError, MongoError, MongoServerError } = mongoose.mongo;

/** Server codes after which the same operation may succeed later: no primary, stepping down, shutting down, write concern not met. */
const passingCodes = new Set([6, 7, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);

/** Of the sockets themselves: the driver hands on what Node says when it writes to one that the server just closed. */
const socketCodes = new Set(["EPIPE", "ECONNRESET", "ECONNREFUSED", "ETIMEDOUT"]);

/** MongoDB's code for a second document with the same unique value; its text differs between engines. */
export const DUPLICATE_KEY_CODE = 11_000;

/** Beyond every time limit of the driver: some of its waits have none, see `watchHeartbeats`. */
const LONGEST_OPERATION_MS = 60_000;

/**
 * Runs a store operation and turns what means "MongoDB is away" into StoreUnavailableError.
 *
 * One that does not end within a minute is given up; it may still happen.
 *
 * @throws {StoreUnavailableError} when the same may succeed later, otherwise the error itself
 */
export async function storeErrors<T>(operation: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new StoreUnavailableError(new Error(`no end after ${LONGEST_OPERATION_MS} ms`)));
    timer = setTimeout(giveUp, LONGEST_OPERATION_MS).unref();
  });
  try {
    return await Promise.race([operation(), givenUp]);
  } catch (error) {
    if (isPassing(error)) throw new StoreUnavailableError(error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof MongoBulkWriteError && isOutcomeUnknown(error)) return true;
  if (error instanceof MongoServerError) return typeof error.code === "number" && passingCodes.has(error.code);
  if (error instanceof MongoError) return true;
  if (error instanceof Error && "code" in error && socketCodes.has(String(error.code))) return true;
  return (
    error instanceof mongoose.MongooseError && /initial connection|not connected|disconnected/i.test(error.message)
  );
}

/**
 * What failed in a bulk write, document by document; the others were written.
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

/** Whether a write failed only because a document of that `_id` was there already. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY_CODE;
}
