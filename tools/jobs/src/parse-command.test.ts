import { expect, test } from "vitest";
import { parseCommand } from "./parse-command.ts";

const everyQueue = ["veil-keys", "veil-traffic", "veil-webhooks"];

test.each([
  [["failed"], { action: "failed", queues: everyQueue }],
  [["retry", "create-1"], { action: "retry", id: "create-1", queues: everyQueue }],
  [["retry-all", "--queue", "veil-keys"], { action: "retry-all", queues: ["veil-keys"] }],
  [["--queue=veil-traffic", "failed"], { action: "failed", queues: ["veil-traffic"] }],
])("%j is understood", (args, command) => {
  expect(parseCommand(args)).toEqual(command);
});

test.each([
  [[]],
  [["retry"]],
  [["retry", "a", "b"]],
  [["failed", "a"]],
  [["drop"]],
  [["failed", "--queue", "x"]],
  [["failed", "--all"]],
])("%j is no command", (args) => {
  expect(parseCommand(args)).toBeNull();
});
