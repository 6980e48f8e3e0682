import { expect, it } from "vitest";
import { compact, needsCompaction } from "./compact.ts";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { totals, viewOf } from "./ledger-view.ts";
import { knownOf, observe } from "./observe.ts";
import { answerOf, prepareReset } from "./reset.ts";
import { emptyRecord, type TrafficRecord } from "./traffic-record.ts";
import { usageOf } from "./usage.ts";

const NOW = 60_000;

function read(record: TrafficRecord | null, epoch: number, up: number, node = "main"): TrafficRecord {
  const observation = observe(knownOf(record, node, epoch), { node, epoch, up });
  return applyUpdate(record, updateOf("7", [observation], 1));
}

const NOTHING = { entity: "7", readAt: 1, raise: {}, append: [] };

function reset(record: TrafficRecord, job: string, epoch: number): TrafficRecord {
  const event = prepareReset(record, job, new Map([["main", epoch]]), 0);
  return applyUpdate(record, { entity: "7", readAt: 0, raise: {}, append: [event] });
}

it("folds dead epochs and leaves what counts as it is", () => {
  let record = emptyRecord("7");
  for (let epoch = 1; epoch <= 20; epoch += 1) record = read(record, epoch, 10);
  expect(needsCompaction(record)).toBe(true);
  const compacted = compact(record);
  expect(Object.keys(compacted.live)).toEqual(["main:20:0"]);
  expect(totals(compacted)).toEqual({ up: 200, down: 0 });
  expect(needsCompaction(compacted)).toBe(false);
  expect(totals(read(compacted, 20, 12))).toEqual({ up: 202, down: 0 });
});

it("takes no more from a folded epoch that a slow collector writes again", () => {
  const slow = updateOf("7", [observe(knownOf(null, "main", 1), { node: "main", epoch: 1, up: 10 })], 1);
  const compacted = compact(read(read(null, 1, 10), 2, 5));
  expect(totals(applyUpdate(compacted, slow))).toEqual({ up: 15, down: 0 });
});

it("folds generations of a life that goes on, and knows the newest one afterwards", () => {
  let record = emptyRecord("7");
  for (let round = 0; round < 20; round += 1) record = read(read(record, 1, 100), 1, 1);
  expect(needsCompaction(record)).toBe(true);
  const compacted = compact(record);
  expect(compacted.log).toEqual([]);
  expect(totals(compacted)).toEqual(totals(record));
  expect(totals(read(compacted, 1, 0))).toEqual(totals(record));
  expect(totals(read(read(compacted, 1, 0), 1, 9)).up).toBe(totals(record).up + 9);
});

it("is not needed for many nodes that all live", () => {
  let record = emptyRecord("7");
  for (let node = 0; node < 40; node += 1) record = read(record, 1, 10, `node-${node}`);
  expect(needsCompaction(record)).toBe(false);
});

it("keeps the baseline of a reset within a life that goes on", () => {
  const compacted = compact(reset(read(null, 1, 100), "job-1", 1));
  expect(totals(compacted)).toEqual({ up: 0, down: 0 });
  expect(compacted.folded).toEqual({ up: 0, down: 0 });
  expect(totals(read(compacted, 1, 101))).toEqual({ up: 1, down: 0 });
});

it("remembers the answers of the last 32 resets", () => {
  let record = read(null, 1, 100);
  for (let job = 1; job <= 40; job += 1) record = reset(record, `job-${job}`, 1);
  const compacted = compact(record);
  expect(answerOf(compacted, "job-8", NOW)).toBeUndefined();
  expect(answerOf(compacted, "job-9", NOW)).toBeDefined();
  expect(answerOf(compacted, "job-40", NOW)).toBeDefined();
});

const DAY_S = 86_400;
const BEGIN_S = 1_700_000_000;

/** As of a key that moved bytes on ten new nodes a day. */
function onNewNodes(days: number): TrafficRecord {
  const names = Array.from({ length: 10 * days }, (_, index) => {
    return `pod-${index}:${BEGIN_S + Math.floor(index / 10) * DAY_S}:0`;
  });
  const raise = Object.fromEntries(names.map((name) => [name, { up: 7, down: 100 }]));
  return applyUpdate(null, { entity: "7", readAt: 1, raise, append: [] });
}

it("leaves nothing of lives that are forgotten, and counts what it counted: three years of names take what one does", () => {
  const record = compact(reset(onNewNodes(1_000), "job-1", BEGIN_S));
  const moved = applyUpdate(record, { ...NOTHING, raise: { [`pod-9999:${BEGIN_S + 999 * DAY_S}:0`]: { up: 10 } } });
  const isForgotten = (_: string, epoch: number) => epoch < BEGIN_S + 635 * DAY_S;
  expect([needsCompaction(moved), needsCompaction(moved, isForgotten)]).toEqual([false, true]);
  const compacted = compact(moved, isForgotten);
  expect(needsCompaction(compacted, isForgotten)).toBe(false);
  expect([totals(compacted), viewOf(compacted).lifetime]).toEqual([{ up: 3, down: 0 }, viewOf(moved).lifetime]);
  const [before, after] = [moved, compacted].map(({ live, baseline }) => JSON.stringify({ live, baseline }).length);
  expect(before).toBeGreaterThan(1_400_000);
  expect(after).toBeLessThan(0.4 * (before ?? 0));
});

it("counts on where it was on a node of which nothing is forgotten, and from the beginning where a new process has the name of one", () => {
  const record = onNewNodes(1);
  const isForgotten = (series: string) => series !== "pod-1";
  const compacted = compact(record, isForgotten);
  expect(Object.keys(compacted.baseline)).toEqual(["pod-1"]);
  expect(totals(read(compacted, BEGIN_S, 9, "pod-1")).up).toBe(72);
  expect(totals(read(compacted, BEGIN_S + 500 * DAY_S, 4, "pod-2")).up).toBe(74);
});

it("shows the usage of each hour as before: a life that moved in others than the first one is forgotten later", () => {
  let record: TrafficRecord | null = null;
  for (const [hour, up, node] of [
    [1, 10, "gone"],
    [1, 5, "main"],
    [2, 6, "main"],
    [2, 30, "late"],
  ] as const) {
    const observation = observe(knownOf(record, node, 1), { node, epoch: 1, up });
    record = applyUpdate(record, updateOf("7", [observation], hour * 3_600));
  }
  if (record === null) throw new Error("nothing was read");
  const compacted = compact(record, (series) => series !== "main");
  expect(Object.keys(compacted.live)).toEqual(["main:1:0", "late:1:0"]);
  expect(JSON.stringify(compacted)).not.toContain("gone");
  const usage = (of: TrafficRecord) => usageOf(of, null, { from: 3_600, to: 10_800, step: "hour" }).map(({ up }) => up);
  expect([usage(record), usage(compacted)]).toEqual([
    [15, 31],
    [15, 31],
  ]);
});
