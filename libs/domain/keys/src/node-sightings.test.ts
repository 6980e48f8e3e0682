import { expect, it } from "vitest";
import { isDown } from "./node-states.ts";

it.each([
  ["nobody tried", null, null, false],
  ["it answers", 10_000, null, false],
  ["it was down and is back", 20_000, 10_000, false],
  ["one call failed", 10_000, 12_000, false],
  ["another worker reaches it", 18_000, 20_000, false],
  ["it is silent", 10_000, 15_001, true],
  ["it never answered", null, 15_001, true],
])("%s", (_, seenAt, failedAt, down) => expect(isDown({ seenAt, failedAt })).toBe(down));
