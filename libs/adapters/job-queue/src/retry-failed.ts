import type { Job } from "bullmq";

/**
 * Has a job of the failed set delivered again, as often as a new one would be.
 *
 * @returns false when it is not in the failed set any more: somebody else was first
 */
export async function retryFailed(job: Job): Promise<boolean> {
  try {
    await job.retry("failed", { resetAttemptsMade: true });
    return true;
  } catch (error) {
    if ((await job.getState()) === "failed") throw error;
    return false;
  }
}
