import { REPEATED_WITHIN_MS } from "@veil/idempotency";
import { describe, expect, it } from "vitest";
import { compact } from "./compact.ts";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { totals } from "./ledger-view.ts";
import { knownOf, observe } from "./observe.ts";
import { answerOf, prepareReset } from "./reset.ts";
import { emptyRecord, type LedgerEvent, type TrafficRecord } from "./traffic-record.ts";

const ENTITY = "7";
const NOW = 60_000;

function read(record: TrafficRecord | null, node: string, epoch: number, up: number): TrafficRecord {
  const observation = observe(knownOf(record, node, epoch), { node, epoch, up, down: up * 2 });
  return applyUpdate(record, updateOf(ENTITY, [observation], 1));
}

function append(record: TrafficRecord | null, event: LedgerEvent): TrafficRecord {
  return applyUpdate(record, { entity: ENTITY, readAt: 0, raise: {}, append: [event] });
}

function epochs(main: number): ReadonlyMap<string, number> {
  return new Map([["main", main]]);
}

describe("a reset", () => {
  it("answers what counted and counts from zero afterwards, whatever the counters say", () => {
    const record = read(null, "main", 1, 100);
    const after = append(record, prepareReset(record, "job-1", epochs(1), 50));
    expect(answerOf(after, "job-1", NOW)).toEqual({ job: "job-1", at: 50, previous: { up: 100, down: 200 } });
    expect(totals(after)).toEqual({ up: 0, down: 0 });
    expect(totals(read(after, "main", 1, 130))).toEqual({ up: 30, down: 60 });
  });

  it("of an entity without a record answers zeros", () => {
    const after = append(null, prepareReset(null, "job-1", epochs(1), 50));
    expect(answerOf(after, "job-1", NOW)?.previous).toEqual({ up: 0, down: 0 });
    expect(totals(read(after, "main", 1, 130))).toEqual({ up: 130, down: 260 });
  });

  it("run twice answers the first answer and swallows nothing", () => {
    const record = read(null, "main", 1, 100);
    const once = append(record, prepareReset(record, "job-1", epochs(1), 50));
    const moved = read(once, "main", 1, 130);
    const twice = append(moved, prepareReset(moved, "job-1", epochs(1), 51));
    expect(answerOf(twice, "job-1", NOW)?.previous).toEqual({ up: 100, down: 200 });
    expect(totals(twice)).toEqual({ up: 30, down: 60 });
  });

  it("has one answer for all attempts of its write", () => {
    const attempt = (number: number) => `reset-once-0123456789abcdef0123456789abcdef01234567-${number}`;
    const record = read(null, "main", 1, 100);
    const after = append(record, prepareReset(record, attempt(1), epochs(1), 50));
    expect(answerOf(after, attempt(2), NOW)?.previous).toEqual({ up: 100, down: 200 });
  });

  it("is another one under an Idempotency-Key that made one more than a day before", () => {
    const attempt = (number: number) => `reset-once-0123456789abcdef0123456789abcdef01234567-${number}`;
    const record = read(null, "main", 1, 100);
    const first = append(record, prepareReset(record, attempt(1), epochs(1), 50));
    const moved = read(first, "main", 1, 130);
    const later = 2 * REPEATED_WITHIN_MS;
    expect(answerOf(moved, attempt(1), REPEATED_WITHIN_MS)?.previous).toEqual({ up: 100, down: 200 });
    expect(answerOf(moved, attempt(1), later)).toBeUndefined();
    const second = append(moved, prepareReset(moved, attempt(1), epochs(1), later / 1_000));
    expect(answerOf(second, attempt(2), later)?.previous).toEqual({ up: 30, down: 60 });
    const third = append(second, prepareReset(second, attempt(1), epochs(1), (2 * later) / 1_000));
    expect(answerOf(third, attempt(1), 2 * later)?.previous).toEqual({ up: 0, down: 0 });
    expect(totals(third)).toEqual({ up: 0, down: 0 });
  });

  it("of two jobs prepared on the same record only the first holds, the other is prepared again", () => {
    const record = read(null, "main", 1, 100);
    const late = prepareReset(record, "job-2", epochs(1), 50);
    const both = append(append(record, prepareReset(record, "job-1", epochs(1), 50)), late);
    expect(answerOf(both, "job-2", NOW)).toBeUndefined();
    const moved = read(both, "main", 1, 110);
    const again = append(moved, prepareReset(moved, "job-2", epochs(1), 51));
    expect(answerOf(again, "job-2", NOW)?.previous).toEqual({ up: 10, down: 20 });
  });

  it("closes lives that are over, also those whose bytes nobody has written yet", () => {
    const unwritten = updateOf(ENTITY, [observe(knownOf(null, "main", 1), { node: "main", epoch: 1, up: 100 })], 1);
    const after = append(null, prepareReset(null, "job-1", epochs(2), 50));
    expect(totals(applyUpdate(after, unwritten))).toEqual({ up: 0, down: 0 });
  });

  it("leaves a life that began after the nodes were read to count in full", () => {
    const record = read(read(null, "main", 1, 100), "main", 2, 7);
    const after = append(record, prepareReset(record, "job-1", epochs(1), 50));
    expect(answerOf(after, "job-1", NOW)?.previous).toEqual({ up: 100, down: 200 });
    expect(totals(after)).toEqual({ up: 7, down: 14 });
  });

  it("takes off what a node holds that is no longer in the settings", () => {
    const record = read(read(null, "old", 3, 40), "main", 1, 100);
    const after = append(record, prepareReset(record, "job-1", epochs(1), 50));
    expect(answerOf(after, "job-1", NOW)?.previous).toEqual({ up: 140, down: 280 });
    expect(totals(read(after, "old", 3, 45))).toEqual({ up: 5, down: 10 });
  });

  it("does not hold when a counter was found fallen meanwhile", () => {
    const record = read(null, "main", 1, 100);
    const prepared = prepareReset(record, "job-1", epochs(1), 50);
    const after = append(read(record, "main", 1, 5), prepared);
    expect(answerOf(after, "job-1", NOW)).toBeUndefined();
    expect(totals(after)).toEqual({ up: 105, down: 210 });
  });

  it("has no answer in a record that nobody wrote", () => {
    expect(answerOf(null, "job-1", NOW)).toBeUndefined();
    expect(answerOf(emptyRecord(ENTITY), "job-1", NOW)).toBeUndefined();
  });
});

describe("a compacted record", () => {
  it("still has the answer, and takes no reset prepared before", () => {
    const record = read(null, "main", 1, 100);
    const reset = append(record, prepareReset(record, "job-1", epochs(1), 50));
    const late = prepareReset(reset, "job-2", epochs(1), 51);
    const compacted = append(compact(read(reset, "main", 1, 120)), late);
    expect(answerOf(compacted, "job-1", NOW)?.previous).toEqual({ up: 100, down: 200 });
    expect(answerOf(compacted, "job-2", NOW)).toBeUndefined();
    expect(totals(compacted)).toEqual({ up: 20, down: 40 });
  });
});
