import type { Logger } from "@veil/service-runtime";
import type { JobStep } from "./job-steps.ts";

/**
 * One line for every step of a job, with the ids of the request, the job and its key. A job that failed for good is an
 * error: it stays in the failed set until somebody looks.
 *
 * @param completed how loudly the everyday case is told
 */
export function logJobStep(
  log: Pick<Logger, "debug" | "info" | "warn" | "error">,
  completed: "info" | "debug",
): (step: JobStep) => void {
  return ({ state, queue, name, jobId, bundleId, requestId, keyId, attempt, durationMs, waitedMs, outcome, error }) => {
    const level = state === "failed" ? "error" : state === "completed" ? completed : "warn";
    log[level](
      {
        request_id: requestId,
        job_id: jobId,
        ...(bundleId !== undefined && { bundle_id: bundleId }),
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
