import { expect, test } from "vitest";
import { readLogLine } from "./log-line.ts";

test.each([
  [
    "a warning by its number",
    '{"level":40,"msg":"redis is away","err":{"message":"ECONNREFUSED"}}',
    "redis is away: ECONNREFUSED",
  ],
  ["an error by its name", '{"level":"error","msg":"job failed"}', "job failed"],
  ["a line that is no JSON", "SyntaxError: Unexpected token", "SyntaxError: Unexpected token"],
  ["a service's refusal of its settings", "api: a setting is wrong:", "a setting is wrong:"],
  ["a line of lesser weight", '{"level":30,"msg":"ready"}', undefined],
  ["an empty line", "  ", undefined],
  ["half a log line", '{"level":40,', undefined],
])("%s", (_what, line, shown) => {
  expect(readLogLine(line)).toBe(shown);
});
