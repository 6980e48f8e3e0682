import { expect, it } from "vitest";
import { attemptId } from "./attempts.ts";
import { knowsWriteOf, remember, type RememberedJobs } from "./remembered-jobs.ts";
import { REPEATED_WITHIN_MS } from "./repeats.ts";

const WRITE = "update-node-once-0123456789abcdef0123456789abcdef01234567";
const NOW = 1_800_000_000_000;
const first = remember({ jobs: [] }, attemptId(WRITE, 1), NOW);

it("knows a write by any of its attempts, and forgets the oldest", () => {
  expect(knowsWriteOf(first, attemptId(WRITE, 1), NOW)).toBe(true);
  expect(knowsWriteOf(first, attemptId(WRITE, 2), NOW)).toBe(true);
  expect(knowsWriteOf(first, "job-1", NOW)).toBe(false);
  const after = (count: number) =>
    Array.from({ length: count }, (_, index) => `job-${index}`).reduce<RememberedJobs>(
      (thing, job) => remember(thing, job, NOW),
      first,
    );
  expect(knowsWriteOf(after(15), attemptId(WRITE, 2), NOW)).toBe(true);
  expect(after(16).jobs).toHaveLength(16);
  expect(knowsWriteOf(after(16), attemptId(WRITE, 2), NOW)).toBe(false);
});

it("takes an Idempotency-Key that is used again after its day for another write, which is remembered in place of the first", () => {
  expect(knowsWriteOf(first, attemptId(WRITE, 2), NOW + REPEATED_WITHIN_MS)).toBe(true);
  const later = NOW + 2 * REPEATED_WITHIN_MS;
  expect(knowsWriteOf(first, attemptId(WRITE, 1), later)).toBe(false);
  const again = remember(first, attemptId(WRITE, 1), later);
  expect(again).toEqual({ jobs: first.jobs, jobsAt: [later / 1_000] });
  expect(knowsWriteOf(again, attemptId(WRITE, 2), later)).toBe(true);
});

it.each([
  ["none", { jobs: [attemptId(WRITE, 1)] }],
  ["fewer than jobs", { jobs: ["job-1", attemptId(WRITE, 1)], jobsAt: [0] }],
])("knows a write for good where a version that notes no times has left %s", (_what, thing) => {
  const later = NOW + 2 * REPEATED_WITHIN_MS;
  expect(knowsWriteOf(thing, attemptId(WRITE, 2), later)).toBe(true);
  expect(remember(thing, "job-2", later).jobsAt).toEqual([...thing.jobs.map(() => null), later / 1_000]);
});
