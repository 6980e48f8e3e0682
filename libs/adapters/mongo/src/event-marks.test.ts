import { expect, it } from "vitest";
import { marksToForget } from "./event-marks.ts";

const ids = (count: number, name = "e") => Array.from({ length: count }, (_, index) => `${name}-${index}`);

it("keeps the mark of every event that still stands in the document, and the last of the others", () => {
  expect(marksToForget(ids(100), ids(100))).toEqual([]);
  expect(marksToForget(ids(32), [])).toEqual([]);
  expect(marksToForget(ids(40), [])).toEqual(ids(8));
  expect(marksToForget([...ids(40), ...ids(40, "f")], ids(40, "f"))).toEqual(ids(8));
});
