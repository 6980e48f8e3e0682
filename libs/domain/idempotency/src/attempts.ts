/**
 * What names a write ends in a hash or a UUID; then comes the number of the attempt. A write under an `Idempotency-Key` that is
 * answered later is named by the attempt to begin it.
 */
const ATTEMPT = /^(.*(?:[0-9a-f]{12}|-later-once-[0-9a-f]{40}-\d{1,6}))-\d{1,6}$/;

/** Names one attempt of a write. @param number from 1 */
export function attemptId(write: string, number: number): string {
  return `${write}-${number}`;
}

/**
 * What the jobs of all attempts of a write have in common. Whoever repeats a write that was answered as not done begins a new
 * attempt, under an id that differs in the number at its end: `extend-…-1`, `extend-…-2`. The first may be done all the same, after
 * its answer. A job that is no attempt is a write of its own.
 */
export function writeOf(job: string): string {
  return ATTEMPT.exec(job)?.[1] ?? job;
}

/** Whether two jobs are attempts of one write, or one job. */
export function isOfSameWrite(job: string, other: string): boolean {
  return writeOf(job) === writeOf(other);
}
