import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { isOfSameWrite } from "./same-write.ts";

const [write, another] = ["a", "b"].map((text) => createHash("sha256").update(text).digest("hex"));
const UUID = "123e4567-e89b-42d3-a456-426614174000";

it.each([
  [`extend-${write}-1`, `extend-${write}-1`, true],
  [`extend-${write}-1`, `extend-${write}-12`, true],
  [`extend-${UUID}-1`, `extend-${UUID}-2`, true],
  [`extend-${write}-1`, `update-${write}-1`, false],
  [`extend-${write}-1`, `extend-${another}-1`, false],
  [`extend-${UUID}`, `extend-${UUID.slice(0, -12)}426614174001`, false],
  ["change-1", "change-2", false],
])("%s and %s are of one write: %s", (job, other, expected) => {
  expect(isOfSameWrite(job, other)).toBe(expected);
});
