import { expect, test } from "vitest";
import { placeTable } from "./table.ts";

const PAGE = "before\n<!-- bench mongod: begin -->\nold\n<!-- bench mongod: end -->\nafter\n";

test("a table takes the place of the one between its markers", () => {
  expect(placeTable(PAGE, "mongod", "new")).toBe(PAGE.replace("old", "new"));
});

test("a page without the markers is refused", () => {
  expect(() => placeTable(PAGE, "embedded", "new")).toThrow("no place for a table named embedded");
});
