import type { Logger } from "@veil/runtime";
import type { JobStep } from "./job-steps.ts";

/**
 * One line for every step of a job, with the ids of the request, the job and its key. A job that failed for good is an
 * error: it stays in the failed set until somebody looks.
 *
 * @param completed the level of jobs that complete normally
 */
export function logJobStep(
  log: Pick<Logger, "debug" | "info" | "warn" | "error">,
  completed: "info" | "debug",
): (step: JobStep) => void {
  return ({
    state,
    queue,
    name,
    jobId,
    microBatchId,
    requestId,
    keyId,
    attempt,
    durationMs,
    waitedMs,
    outcome,
    error,
  }) => {
    const level = state === "failed" ? "error" : state === "completed" ? completed : "warn";
    log[level](
      {
        request_id: requestId,
        job_id: jobId,
        ...(microBatchId !== undefined && { bundle_id: microBatchId }),
        ...(keyId !== undefined && { key_id: keyId }),
        queue,
        job: name,
        attempt,
        outcome,
        waited_ms: waitedMs,
        duration_ms: durationMs,
        ...(error !== undefined && { err: error }),
      },
      `job ${state}`,
    );
  };
}
