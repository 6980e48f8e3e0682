import { describe, expect, it } from "vitest";
import { compact } from "./compact.ts";
import { applyHistoryUpdate, foldUsage, needsFolding } from "./fold-usage.ts";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { knownOf, observe } from "./observe.ts";
import { prepareReset } from "./reset.ts";
import type { TrafficRecord } from "./traffic-record.ts";
import { sumUsage, type UsageHistory, usageOf } from "./usage.ts";

const HOUR = 3_600;

function read(record: TrafficRecord | null, hour: number, up: number, node = "main", epoch = 1): TrafficRecord {
  const observation = observe(knownOf(record, node, epoch), { node, epoch, up, down: 0 });
  return applyUpdate(record, updateOf("7", [observation], hour * HOUR + 5));
}

function hourly(record: TrafficRecord | null, from: number, to: number, history: UsageHistory | null = null): number[] {
  return usageOf(record, history, { from: from * HOUR, to: to * HOUR, step: "hour" }).map(({ up }) => up);
}

/** What a collector does with a record that has grown. */
function fold(record: TrafficRecord, history: UsageHistory | null, hour: number, days = 90) {
  const folded = foldUsage(record, history, hour, days);
  if (folded === null) throw new Error("nothing to fold");
  const { trim } = folded;
  const raised = applyUpdate(record, { entity: "7", readAt: trim.hour * HOUR, raise: trim.values, append: [] });
  const hours = Object.fromEntries(Object.entries(raised.hours).filter(([number]) => !trim.dropped.includes(number)));
  return { record: { ...record, hours }, history: applyHistoryUpdate(history, folded.history) };
}

describe("the usage of a record", () => {
  it("is what was counted in each hour, and nothing in the others", () => {
    const record = read(read(read(null, 10, 100), 10, 150), 12, 175);
    expect(hourly(record, 9, 14)).toEqual([0, 150, 0, 25, 0]);
    expect(hourly(null, 9, 11)).toEqual([0, 0]);
  });

  it("by days is that of their hours", () => {
    const record = read(read(read(null, 10, 100), 23, 150), 24, 175);
    const days = usageOf(record, null, { from: 0, to: 49 * HOUR, step: "day" });
    expect(days.map(({ at, up }) => [at, up])).toEqual([
      [0, 150],
      [86_400, 25],
      [172_800, 0],
    ]);
  });

  it("is that of all nodes and lives, and not changed by resets and compaction", () => {
    const moved = read(read(read(null, 10, 100), 10, 30, "other"), 11, 40, "other");
    const event = prepareReset(moved, "job", new Map([["main", 1]]), 0);
    const reset = applyUpdate(moved, { entity: "7", readAt: 0, raise: {}, append: [event] });
    const record = read(read(reset, 12, 107), 12, 1, "main", 2);
    for (const same of [record, compact(record)]) {
      expect(hourly(same, 10, 13).reduce((sum, up) => sum + up)).toBe(148);
    }
    expect(hourly(record, 10, 13)).toEqual([130, 10, 8]);
  });

  it("holds what was counted after somebody else reset a counter", () => {
    expect(hourly(read(read(null, 10, 100), 11, 4), 10, 12)).toEqual([100, 4]);
  });

  it("holds what 1.0 counts beside this version, which knows no hours, in the last one", () => {
    const record = read(null, 10, 100);
    const { hours: _, ...by10 } = read(record, 11, 150);
    expect(hourly({ ...by10, hours: record.hours }, 9, 12)).toEqual([0, 100, 50]);
  });

  it("begins where 1.0 ended", () => {
    const of10 = { ...read(null, 10, 1_000), hours: {}, countedAt: 0, firstCountedAt: 0 };
    expect(hourly(of10, 9, 12)).toEqual([0, 0, 0]);
    expect(hourly(read(read(of10, 11, 1_007), 11, 1_008), 9, 12)).toEqual([0, 0, 8]);
  });

  it("of several entities is added up", () => {
    const range = { from: 10 * HOUR, to: 12 * HOUR, step: "hour" } as const;
    const usages = [usageOf(read(null, 10, 5), null, range), usageOf(read(null, 11, 7), null, range)];
    expect(sumUsage(usages).map(({ up }) => up)).toEqual([5, 7]);
    expect(sumUsage([])).toEqual([]);
  });
});

describe("folding", () => {
  it("is worth it as soon as an hour is over, and changes no figure", () => {
    let record = read(null, 10, 100);
    expect([needsFolding(record, 10), needsFolding(record, 11)]).toEqual([false, true]);
    for (const hour of [11, 12, 13]) record = read(record, hour, hour * 100);
    const before = hourly(record, 9, 15);
    const folded = fold(record, null, 13);
    expect(Object.keys(folded.record.hours)).toEqual(["13"]);
    expect(needsFolding(folded.record, 13)).toBe(false);
    expect(hourly(folded.record, 9, 15, folded.history)).toEqual(before);
    expect(foldUsage(record, null, 10, 90)).toBeNull();
  });

  it("may be done twice, late or by halves", () => {
    let record = read(null, 10, 100);
    for (const hour of [11, 12, 13, 14]) record = read(record, hour, hour * 100);
    const before = hourly(record, 9, 16);
    const once = fold(record, null, 14);
    expect(hourly(record, 9, 16, once.history)).toEqual(before);
    const twice = fold(record, once.history, 14);
    expect(hourly(twice.record, 9, 16, twice.history)).toEqual(before);
    expect(hourly(once.record, 9, 16, fold(once.record, once.history, 15).history)).toEqual(before);
  });

  it("puts what is written late into the hour it was read in, or a later one, once", () => {
    const slow = updateOf("7", [observe(knownOf(null, "b", 1), { node: "b", epoch: 1, up: 9, down: 0 })], 11 * HOUR);
    const record = read(read(null, 10, 100), 12, 120);
    const { record: trimmed, history } = fold(record, null, 13);
    const late = applyUpdate(trimmed, slow);
    expect(hourly(late, 9, 14, history).reduce((sum, up) => sum + up)).toBe(129);
  });

  it("loses nothing that was written into an hour while it was folded", () => {
    const record = read(null, 10, 100);
    const slow = foldUsage(record, null, 11, 90);
    if (slow === null) throw new Error("nothing to fold");
    const late = { ...read(record, 10, 105), hours: {} };
    expect(hourly(late, 9, 12, applyHistoryUpdate(null, slow.history))).toEqual([0, 105, 0]);
  });

  it("leaves an entry that rests out of the hours in which another one moves", () => {
    const first = read(read(null, 10, 100), 10, 30, "other");
    let record = first;
    for (const hour of [11, 12, 13]) record = read(record, hour, 100 + hour);
    const folded = fold(record, null, 13);
    expect(Object.keys(folded.record.hours)).toEqual(["12", "13"]);
    expect(needsFolding(folded.record, 13)).toBe(false);
    const later = read(read(folded.record, 14, 120), 15, 35, "other");
    expect(hourly(later, 10, 16, folded.history)).toEqual([130, 11, 1, 1, 7, 5]);
  });

  it("keeps 168 hours and the days asked for, each with its own bytes", () => {
    let record: TrafficRecord | null = null;
    let history: UsageHistory | null = null;
    for (let hour = 1_000; hour < 1_400; hour += 1) {
      record = read(record, hour, hour);
      if (needsFolding(record, hour)) ({ record, history } = fold(record, history, hour, 3));
    }
    expect(Object.keys(history?.hours ?? {}).length).toBeLessThanOrEqual(175);
    expect(Object.keys(history?.days ?? {}).length).toBeLessThanOrEqual(6);
    expect(hourly(record, 1_400 - 168, 1_400, history)).toEqual(Array.from({ length: 168 }, () => 1));
    const days = usageOf(record, history, { from: 1_344 * HOUR, to: 1_400 * HOUR, step: "day" });
    expect(days.map(({ up }) => up)).toEqual([24, 24, 8]);
  });
});
