import { isOfSameWrite, writeOf } from "./attempts.ts";
import { mayBeRepeated } from "./repeats.ts";

/** Far more than change one thing while one of them is delivered again. */
const REMEMBERED_JOBS = 16;

/** The last jobs that made or changed a thing, oldest first, so that a job that is delivered again finds what it did. */
export interface RememberedJobs {
  /** Their ids. */
  readonly jobs: readonly string[];
  /** When each of them did so, in unix seconds; null, or left out, where a version before did not note it. */
  readonly jobsAt?: readonly (number | null)[];
}

/** What a thing remembers once this job has changed it; an earlier write of the same name is over. @param now milliseconds since the epoch */
export function remember(thing: RememberedJobs, job: string, now: number): Required<RememberedJobs> {
  const others = timed(thing).filter((other) => !isOfSameWrite(other.job, job));
  const all = [...others, { job, at: Math.floor(now / 1_000) }].slice(-REMEMBERED_JOBS);
  return { jobs: all.map((one) => one.job), jobsAt: all.map(({ at }) => at) };
}

/** Of the jobs that a thing remembers those that a repeat may still mean, the newest last. @param now milliseconds since the epoch */
export function repeatableJobs(thing: RememberedJobs, now: number): readonly string[] {
  return timed(thing)
    .filter(({ job, at }) => mayBeRepeated(job, at, now))
    .map(({ job }) => job);
}

/** Whether the write of a job has changed a thing: in a delivery before, or another attempt. @param now milliseconds since the epoch */
export function knowsWriteOf(thing: RememberedJobs, job: string, now: number): boolean {
  const write = writeOf(job);
  return repeatableJobs(thing, now).some((one) => writeOf(one) === write);
}

/** The first of several things that the write of a job has made or changed; null where it has none. @param now milliseconds since the epoch */
export function changedByWriteOf<Thing extends RememberedJobs>(
  job: string,
  things: readonly Thing[],
  now: number,
): Thing | null {
  return things.find((thing) => knowsWriteOf(thing, job, now)) ?? null;
}

/** A version that notes no times leaves those of jobs before, or fewer. */
function timed({ jobs, jobsAt = [] }: RememberedJobs): readonly { readonly job: string; readonly at: number | null }[] {
  const isNoted = jobsAt.length === jobs.length;
  return jobs.map((job, index) => ({ job, at: (isNoted ? jobsAt[index] : null) ?? null }));
}
