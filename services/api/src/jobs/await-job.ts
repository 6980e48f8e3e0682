import type { JobName, JobResult } from "@veil/job-contract";
import type { JobOutcome } from "@veil/job-queue";
import type { Clock } from "@veil/keys";
import { SaidReasons, withinTime } from "@veil/runtime";
import type { Jobs, RequestScope } from "../ports.ts";

export interface AwaitedJob<N extends JobName> {
  readonly name: N;
  readonly jobId: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Whether a job that failed without a result is waited for until the moment all the same. */
  readonly whenFailed: "wait" | "return";
  /** Whether such a job is delivered again first, once. */
  readonly retriesFailed: boolean;
}

const RETRY_MS = 250;

/** Waits for a job's result until a moment, through outages of Redis. Null when there is no result by then. */
export async function awaitJob<N extends JobName>(
  awaited: AwaitedJob<N>,
  { jobs, clock }: { readonly jobs: Jobs; readonly clock: Clock },
  { log }: RequestScope,
): Promise<JobResult<N> | null> {
  const { name, jobId, until, whenFailed, retriesFailed } = awaited;
  const said = new SaidReasons();
  let isRetried = false;
  for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
    const ended = await askOnce(awaited, left, jobs, (err) => {
      // Asked again a moment later: an outage would fill the log with each request that waits.
      if (said.isNew(err)) log.warn({ job: jobId, name, err }, "could not wait for a job");
    });
    if (ended?.state === "finished") return ended.result;
    if (ended?.state === "failed") {
      log.warn({ job: jobId, name, reason: ended.reason }, "job failed without a result");
      if (retriesFailed && !isRetried) {
        isRetried = true;
        await retry(awaited, jobs, log);
        continue;
      }
      if (whenFailed === "wait") await clock.sleep(Math.max(0, until - clock.now()));
      return null;
    }
    await clock.sleep(Math.max(0, Math.min(RETRY_MS, until - clock.now())));
  }
  return null;
}

async function retry({ name, jobId }: AwaitedJob<JobName>, jobs: Jobs, log: RequestScope["log"]): Promise<void> {
  try {
    await jobs.retry(name, jobId);
  } catch (error) {
    log.warn({ job: jobId, name, err: error }, "could not retry a job");
  }
}

async function askOnce<N extends JobName>(
  { name, jobId }: AwaitedJob<N>,
  limitMs: number,
  jobs: Jobs,
  onError: (error: unknown) => void,
): Promise<JobOutcome<N> | null> {
  try {
    return await withinTime(jobs.awaitResult(name, jobId, limitMs), limitMs);
  } catch (error) {
    onError(error);
    return null;
  }
}
