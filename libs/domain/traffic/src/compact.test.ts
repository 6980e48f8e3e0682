import { expect, it } from "vitest";
import { compact, needsCompaction } from "./compact.ts";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { totals } from "./ledger-view.ts";
import { knownOf, observe } from "./observe.ts";
import { answerOf, prepareReset } from "./reset.ts";
import { emptyRecord, type TrafficRecord } from "./traffic-record.ts";

function read(record: TrafficRecord | null, epoch: number, up: number, node = "main"): TrafficRecord {
  const observation = observe(knownOf(record, node, epoch), { node, epoch, up });
  return applyUpdate(record, updateOf("7", [observation], 1));
}

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
  expect(answerOf(compacted, "job-8")).toBeUndefined();
  expect(answerOf(compacted, "job-9")).toBeDefined();
  expect(answerOf(compacted, "job-40")).toBeDefined();
});
