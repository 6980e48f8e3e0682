import { type JobResult, TOO_LATE } from "@veil/job-contract";
import { StoreUnavailableError } from "@veil/keys";
import { STORE_UNAVAILABLE, WriteIndeterminateUnavailableError, WriteUnavailableError } from "../errors.ts";
import type { RequestScope } from "../ports.ts";
import { readInTime } from "./read-in-time.ts";
import { readWithin } from "./read-within.ts";
import { runWriteJob, type WriteJobRun, type WritePorts } from "./run-write-job.ts";
import { type JobOf, writeJob, type WriteOperation } from "./write-jobs.ts";

/** A deletion that leaves nothing behind which would name its job. */
export interface Deletion<Op extends WriteOperation> extends Pick<WriteJobRun<Op, never>, "job" | "payload"> {
  /** Whether it is stored, and the caller sees it. */
  readonly isThere: () => Promise<boolean>;
  readonly notFound: () => Error;
}

/** Without the worker's word: it was there when the request came, and is there no more. */
interface Gone {
  readonly outcome: "gone";
}

/**
 * Deletes what the caller sees. Without the worker's result it counts as deleted only where this request saw it before: one that
 * takes part in a deletion that another one began comes too late to see it, and has to ask again.
 *
 * @throws {Error} `notFound` when there is none, and nobody was asked to delete it
 * @throws {WriteUnavailableError} when the store doesn't say so
 * @throws as {@link runWriteJob} does
 */
export async function runDeletion<Op extends WriteOperation>(
  { job, payload, isThere, notFound }: Deletion<Op>,
  scope: RequestScope,
  ports: WritePorts,
): Promise<JobResult<JobOf<Op>> | typeof TOO_LATE | Gone> {
  const { operation, limits } = job;
  const { action } = writeJob(operation);
  const isFirst = scope.attempt?.isFirst !== false;
  if (isFirst) {
    const wasThere = await orUnavailable(action, () => readInTime(isThere(), limits.answerBy - ports.clock.now()));
    if (!wasThere) throw notFound();
  }
  const onNoOutcome: WriteJobRun<Op, typeof TOO_LATE | Gone>["onNoOutcome"] = async (until) => {
    if (await readWithin(isThere, operation, until, ports)) return TOO_LATE;
    if (isFirst) return { outcome: "gone" };
    throw new WriteIndeterminateUnavailableError(action, "it is not there, and no worker says whether this deleted it");
  };
  return runWriteJob({ job, payload, onNoOutcome }, scope, ports);
}

/** What is read before a write. @throws {WriteUnavailableError} while the store is unavailable: nothing was begun */
export async function orUnavailable<T>(action: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new WriteUnavailableError(action, STORE_UNAVAILABLE, { cause: error });
  }
}
