import { beforeEach, expect, test } from "vitest";
import { createTerminal, type Terminal } from "./terminal.ts";

let lines: string[];
let now: number;
let terminal: Terminal;
beforeEach(() => {
  lines = [];
  now = 0;
  terminal = createTerminal(
    (text) => lines.push(text),
    () => now,
  );
});

test("the same warning is shown again only after ten seconds", () => {
  terminal.endHoldingBack("succeeded");
  terminal.warn("redis is away");
  terminal.warn("redis is away");
  terminal.warn("mongodb is away");
  now = 10_001;
  terminal.warn("redis is away");
  expect(lines).toEqual(["redis is away\n", "mongodb is away\n", "redis is away\n"]);
});

test("warnings of a start that succeeds are not shown", () => {
  terminal.warn("redis is away");
  terminal.say("Ready");
  terminal.endHoldingBack("succeeded");
  expect(lines).toEqual(["Ready\n"]);
});

test("those of a start that fails are, each once, in the order in which they came last", () => {
  for (const line of ["redis is away", "mongodb is away", "redis is away"]) terminal.warn(line);
  terminal.endHoldingBack("failed");
  expect(lines).toEqual(["mongodb is away\n", "redis is away\n"]);
});
