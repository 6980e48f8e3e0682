import type { Job } from "bullmq";
import { JobShapeError } from "./errors.ts";
import { jobDefinition, type JobName, type JobResult } from "@veil/job-contract";
import type { JobEnding } from "./result-waiters.ts";

/** The state of a job when the wait for it ends. */
export type JobOutcome<N extends JobName> =
  | { readonly state: "finished"; readonly result: JobResult<N> }
  /** In the failed set: its attempts are used up, or it stalled too often without a processor having run. */
  | { readonly state: "failed"; readonly reason: string }
  /** The wait ended first; the job may still run. */
  | { readonly state: "pending" };

/**
 * How a BullMQ job ended, null for one that has not. One whose first attempts failed keeps the last reason of that when it completes
 * (bullmq 6.7.0), so that only a job without a result has failed: each job's result is an object.
 */
export function endingOf({ finishedOn, failedReason, returnvalue }: Job): JobEnding | null {
  if (finishedOn === undefined) return null;
  const isFailed = typeof failedReason === "string" && failedReason !== "" && (returnvalue ?? null) === null;
  return isFailed ? { state: "failed", reason: failedReason } : { state: "completed", returnvalue };
}

/** @throws {JobShapeError} when the result does not have the shape that the catalogue gives it */
export function outcomeOf<N extends JobName>(name: N, ending: JobEnding): JobOutcome<N> {
  if (ending.state === "failed") return ending;
  const { returnvalue } = ending;
  const decoded = jobDefinition(name).result.safeDecode(
    typeof returnvalue === "string" ? JSON.parse(returnvalue) : returnvalue,
  );
  if (!decoded.success) throw new JobShapeError(`result of ${name} does not fit: ${decoded.error.message}`);
  return { state: "finished", result: decoded.data };
}
