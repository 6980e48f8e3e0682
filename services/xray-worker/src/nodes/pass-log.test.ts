import type { PassResult } from "@veil/reconciler";
import { expect, it } from "vitest";
import { PassLog } from "./pass-log.ts";

function rig() {
  const lines: string[] = [];
  const at = (level: string) => (fields: object) =>
    void lines.push(`${level} ${"postponed" in fields ? String(fields.postponed) : ""}`);
  const passLog = new PassLog({ debug: at("debug"), info: at("info"), warn: at("warn") });
  const pass = (missing: number, postponed: number, more: { braked?: boolean; isMove?: boolean } = {}) => {
    const user = { keyId: 1, uuid: "u", flow: "" as const, indeterminate: [], groups: [] };
    const users = Array.from({ length: missing }, () => user);
    const drift: PassResult["drift"] = { missing: users, wrong: [], indeterminate: [], orphans: [], unknown: [] };
    const found = { drift, braked: more.braked ?? false, rebuilds: 0, postponed };
    passLog.tell({ node: "main", reason: more.isMove === true ? "regrouped" : "period", found, durationMs: 1 });
    return lines.at(-1);
  };
  return { pass };
}

it("tells of a node that takes no users once, and when it takes them", () => {
  const { pass } = rig();
  expect([pass(0, 0), pass(60, 60), pass(60, 60), pass(61, 61), pass(61, 0), pass(0, 0)]).toEqual([
    "debug 0",
    "warn 60",
    "debug 60",
    "debug 61",
    "warn 0",
    "debug 0",
  ]);
});

it("tells of what it repairs beside users that it can't, and that these are no more", () => {
  const { pass } = rig();
  expect([pass(1, 1), pass(500, 1), pass(1, 1), pass(0, 0), pass(1, 1)]).toEqual([
    "warn 1",
    "warn 1",
    "debug 1",
    "info 0",
    "warn 1",
  ]);
});

it("leaves a brake to its own words, and takes other groups for no fault", () => {
  const { pass } = rig();
  expect([pass(60, 0, { braked: true }), pass(60, 0, { isMove: true })]).toEqual(["debug 0", "info 0"]);
});
