import { writeOf } from "./attempts.ts";

/** Far more than change one thing while one of them is delivered again. */
const REMEMBERED_JOBS = 16;

/** The jobs that a thing remembers, oldest first, once one more has changed it. */
export function remember(jobs: readonly string[], job: string): readonly string[] {
  return [...jobs, job].slice(-REMEMBERED_JOBS);
}

/** Whether the write of a job has changed a thing that remembers these: in a delivery before, or another attempt. */
export function knowsWriteOf(jobs: readonly string[], job: string): boolean {
  const write = writeOf(job);
  return jobs.some((one) => writeOf(one) === write);
}
