import type { ConfirmedDrift } from "@veil/reconciler";
import { createMetrics } from "@veil/runtime";
import { expect, it } from "vitest";
import { workerMetrics } from "./worker-metrics.ts";

const user = {
  keyId: 1,
  uuid: "00000000-0000-4000-8000-000000000001",
  flow: "",
  indeterminate: [],
  groups: [],
} as const;
const drift: ConfirmedDrift = {
  missing: [user, user],
  wrong: [user],
  indeterminate: [],
  orphans: [7, 8, 9],
  unknown: [],
};

function measuredWorker() {
  const metrics = createMetrics({ service: "xray-worker", version: "1", defaultMetrics: false });
  const time = { now: 0 };
  const measured = workerMetrics({
    metrics,
    nodes: () => ["a", "b"],
    clock: { monotonic: () => time.now, now: () => time.now },
    passPeriodMs: 1_000,
  });
  /** The values of a metric's series that are not 0, by their labels. */
  const read = async (name: string): Promise<Record<string, number>> => {
    const lines = (await metrics.registry.metrics()).split("\n").filter((line) => line.split(/[{ ]/, 1)[0] === name);
    const series = lines.map((line) => [/\{(.*)\}/.exec(line)?.[1] ?? "", Number(line.split(" ").at(-1))]);
    return Object.fromEntries(series.filter(([, value]) => value !== 0));
  };
  const pass = (found?: ConfirmedDrift) =>
    measured.pass({
      node: "a",
      reason: "period",
      result: found === undefined ? "error" : "ok",
      isFilled: found !== undefined,
      durationMs: 20,
      ...(found && { found: { drift: found, users: 5 } }),
    });
  return { measured, read, pass, time };
}

it("counts keys by what became of them, and times those that were done", async () => {
  const { measured, read } = measuredWorker();
  measured.keyEnded({ operation: "create", outcome: "done", durationMs: 250 });
  measured.keyEnded({ operation: "create", outcome: "done", durationMs: 250 });
  measured.keyEnded({ operation: "create", outcome: "unavailable", durationMs: 9_000 });
  measured.keyEnded({ operation: "delete", outcome: "not_found", durationMs: 10 });
  expect(await read("veil_key_operations_total")).toEqual({
    'operation="create",outcome="done"': 2,
    'operation="create",outcome="unavailable"': 1,
    'operation="delete",outcome="not_found"': 1,
  });
  expect(await read("veil_key_provision_duration_seconds_sum")).toEqual({ 'operation="create"': 0.5 });
  expect(await read("veil_key_provision_duration_seconds_count")).toEqual({ 'operation="create"': 2 });
});

it("counts passes and what they found, and shows the last drift until others make the passes", async () => {
  const { read, pass, time } = measuredWorker();
  pass(drift);
  pass();
  pass({ ...drift, missing: [user] });
  expect(await read("veil_reconcile_total")).toEqual({ 'node="a",result="ok"': 2, 'node="a",result="error"': 1 });
  expect(await read("veil_reconcile_duration_seconds_count")).toEqual({ 'node="a"': 3 });
  expect(await read("veil_drift_found_total")).toEqual({
    'node="a",kind="missing"': 3,
    'node="a",kind="wrong"': 2,
    'node="a",kind="orphan"': 6,
  });
  const shown = { 'node="a",kind="missing"': 1, 'node="a",kind="wrong"': 1, 'node="a",kind="orphan"': 3 };
  expect(await read("veil_drift_users")).toEqual(shown);
  time.now = 1_999;
  expect(await read("veil_drift_users")).toEqual(shown);
  time.now = 2_000;
  expect(await read("veil_drift_users")).toEqual({});
});

it("shows how many users each node blocks, and counts what became of the config file", async () => {
  const { measured, read } = measuredWorker();
  measured.blocked("b", 12);
  measured.configFile("written");
  measured.configFile("error");
  measured.configFile("error");
  expect(await read("veil_blocked_users")).toEqual({ 'node="b"': 12 });
  expect(await read("veil_config_file_total")).toEqual({ 'result="written"': 1, 'result="error"': 2 });
});

it("shows which nodes are left as they are, until they are not", async () => {
  const { measured, read } = measuredWorker();
  measured.braked("a", true);
  measured.braked("b", true);
  measured.braked("a", false);
  expect(await read("veil_reconcile_brake")).toEqual({ 'node="b"': 1 });
});

it("counts the keys that were due, and times each look at those that were due together", async () => {
  const { measured, read } = measuredWorker();
  measured.dueApplied(3, 250);
  measured.dueApplied(4, 500);
  expect(await read("veil_due_keys_total")).toEqual({ "": 7 });
  expect(await read("veil_due_keys_duration_seconds_count")).toEqual({ "": 2 });
  expect(await read("veil_due_keys_duration_seconds_sum")).toEqual({ "": 0.75 });
});

it("says whether discovery keeps nodes that look away, and counts its looks", async () => {
  const { measured, read } = measuredWorker();
  measured.discoveryLook("ok");
  measured.discoveryLook("ok");
  measured.discoveryLook("error");
  measured.discoveryBraked(true);
  expect(await read("veil_discovery_looks_total")).toEqual({ 'result="ok"': 2, 'result="error"': 1 });
  expect(await read("veil_discovery_brake")).toEqual({ "": 1 });
  measured.discoveryBraked(false);
  expect(await read("veil_discovery_brake")).toEqual({});
});

it("the brake of deletions is a gauge", async () => {
  const { measured, read } = measuredWorker();
  measured.deletionBraked(true);
  expect(await read("veil_deletion_brake")).toEqual({ "": 1 });
  measured.deletionBraked(false);
  expect(await read("veil_deletion_brake")).toEqual({});
});
