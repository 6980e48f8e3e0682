import { expect, it } from "vitest";
import { groupsMeet } from "./wanted-on.ts";

it("meets where one group is in both lists, and never with an empty one", () => {
  expect(groupsMeet(["default", "premium"], ["premium"])).toBe(true);
  expect(groupsMeet(["default"], ["Default"])).toBe(false);
  expect(groupsMeet([], [])).toBe(false);
});
