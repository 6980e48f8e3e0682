import { expect, it } from "vitest";
import { parseArguments } from "./parse-arguments.ts";

it.each([
  [["--sqlite", "veil.db"], { sqlite: "veil.db", dryRun: false }],
  [["--sqlite=veil.db", "--dry-run"], { sqlite: "veil.db", dryRun: true }],
  [["--dry-run"], null],
  [["--sqlite", "veil.db", "--force"], null],
  [["--sqlite", "veil.db", "more"], null],
])("parseArguments(%j) is %j", (args, expected) => {
  expect(parseArguments(args)).toEqual(expected);
});
