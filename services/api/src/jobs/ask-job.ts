import type { JobName, JobPayload } from "@veil/job-contract";
import { type JobOutcome, QueueUnavailableError } from "@veil/job-queue";
import { TimeLimitError, withinTime } from "@veil/runtime";
import type { Jobs } from "../ports.ts";

export interface AskedJob<N extends JobName> {
  readonly name: N;
  readonly jobId: string;
  readonly payload: JobPayload<N>;
  /** How long its result is waited for, with its way into the queue, in milliseconds. */
  readonly waitMs: number;
  /** How long its end is listened for; in the time that is left its result is asked for. As long as it is waited for by default. */
  readonly heardMs?: number;
}

/** The outcome of a job that was asked for something, for callers who do without it. */
type Asked<N extends JobName> = JobOutcome<N> | { readonly state: "unasked"; readonly err: Error };

/**
 * Has a new job answer in time. That Redis is away, or nobody answers, is no error: it is `unasked` then, with the reason.
 *
 * @returns how it stands when the time is over
 */
export async function askJob<N extends JobName>(
  { name, jobId, payload, waitMs, heardMs = waitMs }: AskedJob<N>,
  jobs: Jobs,
): Promise<Asked<N>> {
  try {
    const ask = async () => {
      await jobs.submit(name, jobId, payload, { isFresh: true });
      return jobs.awaitResult(name, jobId, heardMs);
    };
    return await withinTime(ask(), waitMs);
  } catch (err) {
    if (!(err instanceof QueueUnavailableError || err instanceof TimeLimitError)) throw err;
    return { state: "unasked", err };
  }
}
