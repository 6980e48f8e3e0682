import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { attemptId, isOfSameWrite } from "./attempts.ts";

const [write, another] = ["a", "b"].map((text) => createHash("sha256").update(text).digest("hex").slice(0, 40));
const UUID = "123e4567-e89b-42d3-a456-426614174000";
const OWNER = "0123456789abcdef";

it.each([
  [`extend-once-${write}`, 1, `extend-once-${write}`, 1, true],
  [`extend-once-${write}`, 1, `extend-once-${write}`, 12, true],
  [`extend-later-${UUID}`, 1, `extend-later-${UUID}`, 2, true],
  [`extend-later-once-${write}-1`, 1, `extend-later-once-${write}-1`, 2, true],
  [`extend-later-once-${write}-1-${OWNER}`, 1, `extend-later-once-${write}-1-${OWNER}`, 2, true],
  [`extend-later-once-${write}-1`, 1, `extend-later-once-${write}-2`, 1, false],
  [`extend-once-${write}`, 1, `update-once-${write}`, 1, false],
  [`extend-once-${write}`, 1, `extend-once-${another}`, 1, false],
])("%s, attempt %i, and %s, attempt %i, are of one write: %s", (one, number, other, otherNumber, expected) => {
  expect(isOfSameWrite(attemptId(one, number), attemptId(other, otherNumber))).toBe(expected);
});

it.each([
  [`extend-${UUID}`, `extend-${UUID.slice(0, -12)}426614174001`],
  ["change-1", "change-2"],
  [`update-batch-once-${write}-1-17`, `update-batch-once-${write}-1-18`],
  [`delete-batch-later-once-${write}-1-1-0`, `delete-batch-later-once-${write}-1-1-1`],
  [`discovery-join-${another?.slice(0, 12)}-1800000000000`, `discovery-join-${another?.slice(0, 12)}-1800000000001`],
])("no attempts of one write, but jobs of their own: %s, %s", (job, other) => {
  expect(isOfSameWrite(job, other)).toBe(false);
  expect(isOfSameWrite(job, job)).toBe(true);
});
