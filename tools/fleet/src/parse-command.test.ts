import { expect, test } from "vitest";
import { parseCommand } from "./parse-command.ts";

test.each([
  [["apply", "fleet.yaml"], { action: "apply", file: "fleet.yaml", isDryRun: false, mayPrune: false }],
  [
    ["apply", "--dry-run", "fleet.yaml", "--prune"],
    { action: "apply", file: "fleet.yaml", isDryRun: true, mayPrune: true },
  ],
  [["export"], { action: "export" }],
  [["export", "--prune"], null],
  [["apply"], null],
  [["apply", "a", "b"], null],
  [["apply", "a", "--force"], null],
  [[], null],
])("%j", (args, command) => {
  expect(parseCommand(args)).toEqual(command);
});
