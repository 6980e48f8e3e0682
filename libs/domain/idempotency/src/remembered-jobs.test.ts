import { expect, it } from "vitest";
import { attemptId } from "./attempts.ts";
import { knowsWriteOf, remember } from "./remembered-jobs.ts";

const WRITE = "update-node-once-0123456789abcdef0123456789abcdef01234567";

it("knows a write by any of its attempts, and forgets the oldest", () => {
  const jobs = remember([], attemptId(WRITE, 1));
  expect(knowsWriteOf(jobs, attemptId(WRITE, 1))).toBe(true);
  expect(knowsWriteOf(jobs, attemptId(WRITE, 2))).toBe(true);
  expect(knowsWriteOf(jobs, "job-1")).toBe(false);
  const [later, latest] = [15, 16].map((count) =>
    Array.from({ length: count }, (_, index) => `job-${index}`).reduce(remember, jobs),
  );
  expect(later?.some((job) => knowsWriteOf([job], attemptId(WRITE, 2)))).toBe(true);
  expect(latest).toHaveLength(16);
  expect(knowsWriteOf(latest ?? [], attemptId(WRITE, 2))).toBe(false);
});
