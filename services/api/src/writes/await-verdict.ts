import type { JobName, JobResult, JobVerdict } from "@veil/job-contract";
import type { Clock } from "@veil/key-lifecycle";
import { withinTime } from "@veil/service-runtime";
import type { Jobs, RequestScope } from "../ports.ts";

export interface Awaited<N extends JobName> {
  readonly name: N;
  readonly jobId: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /**
   * A job that failed without a result (it stalled too often, for example) may still be at work in a process that
   * lost touch with Redis: `wait` returns only when that can't be any more.
   */
  readonly whenFailed: "wait" | "return";
}

const retryMs = 250;

/** Waits for a job's result until a moment, through outages of Redis. Null when there is no result by then. */
export async function awaitVerdict<N extends JobName>(
  awaited: Awaited<N>,
  { jobs, clock }: { readonly jobs: Jobs; readonly clock: Clock },
  { log }: RequestScope,
): Promise<JobResult<N> | null> {
  const { name, jobId, until, whenFailed } = awaited;
  for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
    const verdict = await askOnce(awaited, left, jobs, log);
    if (verdict?.state === "finished") return verdict.result;
    if (verdict?.state === "failed") {
      log.warn({ job: jobId, name, reason: verdict.reason }, "job failed without a result");
      if (whenFailed === "wait") await clock.sleep(Math.max(0, until - clock.now()));
      return null;
    }
    await clock.sleep(Math.max(0, Math.min(retryMs, until - clock.now())));
  }
  return null;
}

async function askOnce<N extends JobName>(
  { name, jobId }: Awaited<N>,
  limitMs: number,
  jobs: Jobs,
  log: RequestScope["log"],
): Promise<JobVerdict<N> | null> {
  try {
    return await withinTime(jobs.awaitResult(name, jobId, limitMs), limitMs);
  } catch (error) {
    log.warn({ job: jobId, name, err: error }, "could not wait for a job");
    return null;
  }
}
