/**
 * Idempotency: which jobs are attempts of one write, and how what a write has changed knows it again. Knows neither what is changed
 * nor who asks for it. Pure: no I/O, no clock of its own.
 */
export { attemptId, isOfSameWrite, writeOf } from "./attempts.ts";
export { mayBeRepeated, REPEATED_WITHIN_MS } from "./repeats.ts";
export {
  changedByWriteOf,
  knowsWriteOf,
  remember,
  type RememberedJobs,
  repeatableJobs,
} from "./remembered-jobs.ts";
