import { expect, it } from "vitest";
import { attemptId } from "./attempts.ts";
import { mayBeRepeated } from "./repeats.ts";

const HASH = "0123456789abcdef0123456789abcdef01234567";
const UUID = "123e4567-e89b-42d3-a456-426614174000";
const [AT, HOUR_MS] = [1_800_000_000, 3_600_000];
const later = (hours: number) => AT * 1_000 + hours * HOUR_MS;

it.each([
  ["a write under a key, within a day", attemptId(`extend-once-${HASH}`, 1), AT, 24, true],
  ["a write under a key, a day later", attemptId(`extend-once-${HASH}`, 1), AT, 24.1, false],
  ["one that is answered later, a day later", attemptId(`extend-later-once-${HASH}-1`, 1), AT, 24.1, false],
  ["one of a version before", attemptId(`extend-once-${HASH}`, 1), null, 9_999, true],
  ["one by a clock that was ahead", attemptId(`extend-once-${HASH}`, 1), AT + 9_999, 0, true],
  ["one without a key, whose job is delivered again", attemptId(`extend-later-${UUID}`, 1), AT, 9_999, true],
  ["a part of a job on many keys that goes on", `update-batch-once-${HASH}-1-17`, AT, 9_999, true],
])("%s: may be repeated", (_what, job, at, hours, expected) => {
  expect(mayBeRepeated(job, at, later(hours))).toBe(expected);
});
