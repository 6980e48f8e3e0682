import { type JobName, type JobPayload, QueueUnavailableError } from "@veil/job-contract";
import type { Jobs, RequestScope } from "../ports.ts";

/**
 * Enqueues a job. When the command went out and its reply was lost, the job counts as enqueued: it may run.
 *
 * @returns false when surely nothing was enqueued, because Redis is away
 */
export async function submitJob<N extends JobName>(
  name: N,
  jobId: string,
  payload: JobPayload<N>,
  jobs: Jobs,
  { log, turn, trail, receivedAt }: RequestScope,
): Promise<boolean> {
  try {
    if (trail !== undefined) trail.jobId = jobId;
    // Without a turn nobody else takes part in the write, so that its job's id is its own.
    await jobs.submit(name, jobId, payload, {
      requestedAt: turn?.startedAt ?? receivedAt,
      isFresh: turn === undefined,
    });
    log.debug({ job: jobId, name }, "job enqueued");
    turn?.onSubmitted();
    return true;
  } catch (error) {
    if (!(error instanceof QueueUnavailableError)) throw error;
    log.warn({ job: jobId, name, err: error }, "no reply to the enqueueing of a job");
    return error.mayHaveHappened;
  }
}
