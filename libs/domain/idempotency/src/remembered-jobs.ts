import { writeOf } from "./attempts.ts";

/** Far more than change one thing while one of them is delivered again. */
const REMEMBERED_JOBS = 16;

/** The jobs that a thing remembers, oldest first, once one more has changed it; each as its id, or with what is noted beside. */
export function remember<Job>(jobs: readonly Job[], job: Job): readonly Job[] {
  return [...jobs, job].slice(-REMEMBERED_JOBS);
}

/** Whether the write of a job has changed a thing that remembers these: in a delivery before, or another attempt. */
export function knowsWriteOf(jobs: readonly string[], job: string): boolean {
  const write = writeOf(job);
  return jobs.some((one) => writeOf(one) === write);
}

/** The first of several things that the write of a job has made or changed; null where it has none of them. */
export function changedByWriteOf<Thing extends { readonly jobs: readonly string[] }>(
  job: string,
  things: readonly Thing[],
): Thing | null {
  return things.find(({ jobs }) => knowsWriteOf(jobs, job)) ?? null;
}
