import { expect, test } from "vitest";
import { YieldExemptions } from "./yield-exemptions.ts";

test.each([
  { moments: [0, 0, 999, 1_000, 1_001, 7_000], taken: [true, false, false, true, false, true] },
  { moments: [5_000, 1_000, 1_999, 2_000], taken: [true, true, false, true] },
])("one in a second is exempt, and the first at once: $moments", ({ moments, taken }) => {
  const left = [...moments];
  const exemptions = new YieldExemptions({ now: () => left.shift() ?? 0 });
  expect(moments.map(() => exemptions.take("a kind"))).toEqual(taken);
});

test("each kind has its own", () => {
  const exemptions = new YieldExemptions({ now: () => 1 });
  expect(["a", "b", "a", "b"].map((kind) => exemptions.take(kind))).toEqual([true, true, false, false]);
});
