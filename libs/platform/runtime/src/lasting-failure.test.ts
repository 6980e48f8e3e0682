import { expect, test } from "vitest";
import { lastingFailure, LastingFailures } from "./lasting-failure.ts";

function recorded() {
  const lines: [level: string, fields: unknown, message: string][] = [];
  const at = (level: string) => (fields: unknown, message: string) => void lines.push([level, fields, message]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a log that keeps what it is given
  const log = { warn: at("warn"), error: at("error"), info: at("info") } as never;
  const failures = new LastingFailures(log, "could not look");
  return { lines, failure: lastingFailure(log, "could not look", { node: "a" }), failures };
}

test("a failure is said when it begins and when it ends, with how often it failed", () => {
  const { lines, failure } = recorded();
  failure.onSuccess();
  const errors = [1, 2, 3].map((port) => new Error("away", { cause: new RangeError(`port ${port}`) }));
  for (const err of errors) failure.onError(err);
  failure.onSuccess(false);
  failure.onSuccess(true);
  failure.onSuccess();
  expect(lines).toEqual([
    ["warn", { node: "a", err: errors[0] }, "could not look"],
    ["info", { node: "a", failed: "could not look", failures: 3 }, "recovered"],
  ]);
});

test("another reason is said, and not again when two take turns, until it works", () => {
  const { lines, failure } = recorded();
  const [away, refused] = [new TypeError("away"), Object.assign(new TypeError("refused"), { code: "ECONNREFUSED" })];
  failure.onError(away);
  failure.onError(refused, "error");
  failure.onError(refused, "error");
  failure.onError(away);
  failure.onSuccess();
  failure.onError(away);
  expect(lines.map(([level, , text]) => `${level} ${text}`)).toEqual([
    "warn could not look",
    "error could not look",
    "info recovered",
    "warn could not look",
  ]);
});

test("of several each is said for itself, and one that is forgotten begins anew", () => {
  const { lines, failures } = recorded();
  const err = new Error("away");
  for (const node of ["a", "a", "b", "c"]) failures.onError(node, { node }, err);
  expect(failures.names).toEqual(["a", "b", "c"]);
  failures.onSuccess("a");
  failures.onSuccess("a");
  failures.forget("b");
  failures.onSuccess("b");
  expect(failures.names).toEqual(["c"]);
  failures.onError("b", { node: "b" }, err, "error");
  expect(lines).toEqual([
    ...["a", "b", "c"].map((node) => ["warn", { node, err }, "could not look"]),
    ["info", { node: "a", failed: "could not look", failures: 2 }, "recovered"],
    ["error", { node: "b", err }, "could not look"],
  ]);
});
