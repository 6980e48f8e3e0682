/** What names a write ends in a hash or a UUID; then comes the number of the attempt. */
const ATTEMPT = /^(.*[0-9a-f]{12})-\d{1,6}$/;

/**
 * Whether two jobs are attempts of one write. Whoever repeats a write that was answered as not done begins a new attempt, under
 * an id that differs in the number at its end: `extend-…-1`, `extend-…-2`.
 */
export function isOfSameWrite(job: string, other: string): boolean {
  return job === other || (writeOf(job) !== null && writeOf(job) === writeOf(other));
}

function writeOf(job: string): string | null {
  return ATTEMPT.exec(job)?.[1] ?? null;
}
