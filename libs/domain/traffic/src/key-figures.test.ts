import { describe, expect, it } from "vitest";
import { compact } from "./compact.ts";
import { type DecidedReset, decideReset, figuresOf } from "./key-figures.ts";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { knownOf, observe } from "./observe.ts";
import { prepareReset } from "./reset.ts";
import { emptyRecord, type TrafficRecord } from "./traffic-record.ts";

function read(record: TrafficRecord | null, up: number, readAt = 100): TrafficRecord {
  const observation = observe(knownOf(record, "main", 1), { node: "main", epoch: 1, up, down: 2 * up });
  return applyUpdate(record, updateOf("7", [observation], readAt));
}

function resetLedger(record: TrafficRecord, job: string): TrafficRecord {
  const event = prepareReset(record, job, new Map([["main", 1]]), 0);
  return applyUpdate(record, { entity: "7", readAt: 0, raise: {}, append: [event] });
}

function decide(record: TrafficRecord | null, resets: readonly DecidedReset[] = [], id = "r1") {
  return decideReset(resets, record, { id, at: 50 });
}

const both = (up: number) => ({ up, down: 2 * up });

describe("a reset that the key's document decides", () => {
  it("makes used begin at once, without a word to the ledger, and leaves lifetime alone", () => {
    const record = read(null, 100);
    const resets = decide(record);
    expect(figuresOf(record, resets)).toMatchObject({ used: both(0), lifetime: both(100) });
    expect(figuresOf(read(record, 130), resets)).toMatchObject({ used: both(30), lifetime: both(130) });
  });

  it("decided twice under one id is the first one", () => {
    const record = read(null, 100);
    const resets = decide(record);
    expect(decide(read(record, 130), resets)).toBe(resets);
    expect(decide(read(record, 130), resets, "r2")).toHaveLength(2);
  });

  it("of a key that never moved a byte lets all of them count", () => {
    expect(figuresOf(read(null, 100), decide(null)).used).toEqual(both(100));
  });

  it("is over when a later one begins, of either kind", () => {
    const first = read(null, 100);
    const second = read(first, 150);
    const resets = decide(second, decide(first), "r2");
    expect(figuresOf(read(second, 160), resets).used).toEqual(both(10));
    const later = read(resetLedger(read(second, 160), "job"), 165);
    expect(figuresOf(later, resets)).toMatchObject({ used: both(5), lifetime: both(165) });
    expect(figuresOf(read(later, 170), decide(later, resets, "r3")).used).toEqual(both(5));
  });

  it("is remembered for 32 later ones", () => {
    let resets: readonly DecidedReset[] = [];
    for (let id = 1; id <= 40; id += 1) resets = decide(null, resets, `r${id}`);
    expect(resets.map(({ id }) => id)).toEqual(Array.from({ length: 32 }, (_, index) => `r${index + 9}`));
  });
});

describe("a lifetime", () => {
  it("is not lowered by resets of the ledger, nor by compaction", () => {
    let record = read(null, 100);
    for (let round = 1; round <= 40; round += 1) {
      record = read(compact(resetLedger(record, `job-${round}`)), 100 + round);
      expect(figuresOf(record)).toMatchObject({ used: both(1), lifetime: both(100 + round) });
    }
  });

  it("of a record of 1.0 is what its answers tell, and goes on exactly", () => {
    const { earlier: _, ...of10 } = compact(resetLedger(read(null, 100), "job-1"));
    const record = { ...of10, earlier: emptyRecord("7").earlier };
    expect(figuresOf(record).lifetime).toEqual(both(100));
    expect(figuresOf(compact(read(record, 130)))).toMatchObject({ used: both(30), lifetime: both(130) });
  });

  it("is kept when 1.0 works in a reset beside this version, as it knows no such figure", () => {
    const { earlier } = compact(resetLedger(read(null, 100), "job-1"));
    const byBoth = {
      ...compact(resetLedger(read({ ...compact(resetLedger(read(null, 100), "job-1")) }, 130), "job-2")),
      earlier,
    };
    expect(figuresOf(byBoth)).toMatchObject({ used: both(0), lifetime: both(130) });
  });
});

describe("the moments of a key", () => {
  it("are none before bytes are counted, however often its counters were read", () => {
    expect(figuresOf(null)).toMatchObject({ readAt: null, lastCountedAt: null, firstCountedAt: null });
    const seen = applyUpdate(null, updateOf("7", [null], 100));
    expect(figuresOf(seen)).toMatchObject({ readAt: 100, lastCountedAt: null, firstCountedAt: null });
    expect(figuresOf(read(seen, 5, 110))).toMatchObject({ readAt: 110, lastCountedAt: 110, firstCountedAt: 110 });
  });

  it("are those of bytes, not of readings, and outlive resets", () => {
    const moved = read(read(null, 10, 100), 20, 200);
    const record = resetLedger(applyUpdate(moved, updateOf("7", [null], 300)), "job");
    expect(figuresOf(record, decide(record))).toMatchObject({ readAt: 300, lastCountedAt: 200, firstCountedAt: 100 });
  });

  it("of a record of 1.0 are its last reading, and no first one, also later", () => {
    const { countedAt: _, firstCountedAt: __, hours: ___, ...of10 } = read(null, 10, 100);
    const record = { ...of10, countedAt: 0, firstCountedAt: 0, hours: {} };
    expect(figuresOf(record)).toMatchObject({ lastCountedAt: 100, firstCountedAt: null });
    expect(figuresOf(read(record, 20, 200))).toMatchObject({ lastCountedAt: 200, firstCountedAt: null });
  });
});
