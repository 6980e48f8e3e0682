import { writeOf } from "./attempts.ts";

/** For how long a repeat under an `Idempotency-Key` is answered as the first request was. Milliseconds. */
export const REPEATED_WITHIN_MS = 24 * 60 * 60 * 1_000;
/** What the last of the repeats may take, answered later, and what two clocks may differ by. */
const SLACK_MS = 5 * 60 * 1_000;

/**
 * Whether what this job did can still be meant by a repeat. The id of a write under an `Idempotency-Key` follows from that key: one that
 * is used again later means something new, and its job has the same id. Any other id comes once.
 *
 * @param at when the job did it, in unix seconds; null when nobody knows
 * @param now milliseconds since the epoch
 */
export function mayBeRepeated(job: string, at: number | null, now: number): boolean {
  const isUnderKey = job.includes("-once-") && writeOf(job) !== job;
  return !isUnderKey || at === null || now - at * 1_000 < REPEATED_WITHIN_MS + SLACK_MS;
}
