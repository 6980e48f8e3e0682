import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compact, needsCompaction } from "./compact.ts";
import { figuresOf } from "./key-figures.ts";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { totals } from "./ledger-view.ts";
import { type Known, knownOf, observe, type Observation } from "./observe.ts";
import { prepareReset } from "./reset.ts";
import { emptyRecord, type GenerationStart, type TrafficRecord } from "./traffic-record.ts";
import { usageOf } from "./usage.ts";

const HOUR = 3_600;

interface Read {
  readonly up: number;
  readonly multiplier?: number;
  readonly node?: string;
  readonly epoch?: number;
  readonly hour?: number;
}

function seen(known: Known, { up, multiplier, node = "main", epoch = 1 }: Read): Observation | null {
  return observe(known, { node, epoch, up, down: 0 }, multiplier);
}

function read(record: TrafficRecord | null, reading: Read, known?: Known): TrafficRecord {
  const { node = "main", epoch = 1, hour = 10 } = reading;
  const observation = seen(known ?? knownOf(record, node, epoch), reading);
  return applyUpdate(record, updateOf("7", [observation], hour * HOUR + 5));
}

function resetBy(record: TrafficRecord, job: string): TrafficRecord {
  const append = [prepareReset(record, job, new Map([["main", 1]]), 0)];
  return applyUpdate(record, { entity: "7", readAt: 0, raise: {}, append });
}

const total = (record: TrafficRecord) => totals(record).up;
const lifetime = (record: TrafficRecord) => figuresOf(record).lifetime.up;

describe("the multiplier of a node", () => {
  it("counts bytes that are read while it is in force, and leaves alone what was counted before", () => {
    const plain = read(null, { up: 100 });
    const twice = read(plain, { up: 150, multiplier: 2 });
    expect(total(twice)).toBe(200);
    const half = read(read(twice, { up: 160, multiplier: 2 }), { up: 175, multiplier: 0.5 });
    expect(total(half)).toBe(100 + 120 + 7);
    expect(total(read(half, { up: 176, multiplier: 0.5 }))).toBe(100 + 120 + 8);
    expect(total(read(half, { up: 275, multiplier: 1 }))).toBe(100 + 120 + 7 + 100);
  });

  it("writes nothing for a counter that has not moved, and nothing new where it is 1", () => {
    const record = read(null, { up: 100 });
    expect(seen(knownOf(record, "main", 1), { up: 100, multiplier: 2 })).toBeNull();
    expect(read(record, { up: 150, multiplier: 1 }).log).toEqual([]);
    expect(read(null, { up: 150, multiplier: 1 })).toEqual(read(null, { up: 150 }));
  });

  it("holds from the first byte on, in each life of the process and on each node", () => {
    const first = read(null, { up: 10, multiplier: 3 });
    const restarted = read(read(first, { up: 20, multiplier: 3 }), { up: 5, multiplier: 3, epoch: 2 });
    expect(total(restarted)).toBe(75);
    expect(total(read(restarted, { up: 7, node: "other" }))).toBe(82);
  });

  it("0 counts nothing, and still says that the key was connected", () => {
    const free = read(null, { up: 1_000, multiplier: 0, hour: 11 });
    const readAt = 11 * HOUR + 5;
    const figures = { used: { up: 0, down: 0 }, lifetime: { up: 0, down: 0 } };
    expect(figuresOf(free)).toEqual({ ...figures, readAt, lastCountedAt: readAt, firstCountedAt: readAt });
    expect(free.countedAt).toBe(readAt);
    const known = knownOf(free, "main", 1);
    expect(known.isNew).toBe(false);
    const later = read(free, { up: 2_000, multiplier: 0, hour: 12 });
    expect(figuresOf(later)).toMatchObject({ ...figures, lastCountedAt: readAt + HOUR, firstCountedAt: readAt });
    expect(total(read(later, { up: 2_010, multiplier: 1 }))).toBe(10);
  });

  it("goes on after somebody else reset the counter, which is counted from zero", () => {
    const record = read(read(null, { up: 100 }), { up: 150, multiplier: 2 });
    const reset = read(record, { up: 30, multiplier: 2 });
    expect(total(reset)).toBe(200 + 60);
    expect(total(read(reset, { up: 40, multiplier: 2 }))).toBe(200 + 80);
    expect(total(read(compact(reset), { up: 40, multiplier: 2 }))).toBe(200 + 80);
  });

  it.each([0.1, 0.3, 0.7, 1.1, 2.3, 4.1, 19.9, 100])("%d is exact, also of large numbers", (multiplier) => {
    const tenths = BigInt(Math.round(multiplier * 10));
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 2 ** 46 }), (before, bytes) => {
        const record = read(read(emptyRecord("7"), { up: before }), { up: before + bytes, multiplier });
        expect(total(record)).toBe(before + Number((BigInt(bytes) * tenths) / 10n));
      }),
    );
  });

  it("does not move the hours that were", () => {
    const before = read(read(null, { up: 100, hour: 10 }), { up: 150, hour: 11 });
    const after = read(read(before, { up: 160, hour: 12, multiplier: 3 }), { up: 170, hour: 13, multiplier: 0 });
    const usage = usageOf(after, null, { from: 10 * HOUR, to: 15 * HOUR, step: "hour" });
    expect(usage.map(({ up }) => up)).toEqual([100, 50, 30, 0, 0]);
  });
});

describe("a reset beside multipliers", () => {
  it("lets later bytes count, as the multiplier says", () => {
    const record = resetBy(read(read(null, { up: 100 }), { up: 150, multiplier: 2 }), "job");
    expect(total(record)).toBe(0);
    expect(lifetime(record)).toBe(200);
    const later = read(record, { up: 160, multiplier: 2 });
    for (const same of [later, compact(later)]) {
      expect([total(same), lifetime(same)]).toEqual([20, 220]);
      const free = read(same, { up: 170, multiplier: 0 });
      expect([total(free), lifetime(free)]).toEqual([20, 220]);
    }
  });
});

describe("collectors that know different multipliers", () => {
  const before = read(null, { up: 100 });
  const known = knownOf(before, "main", 1);

  it("book each byte once, with the larger one, and lower nothing", () => {
    const outdated = { up: 140, multiplier: 1 };
    const current = { up: 150, multiplier: 2 };
    for (const [one, other] of [
      [outdated, current],
      [current, outdated],
    ] as const) {
      const first = read(before, one, known);
      const both = read(first, other, known);
      expect(total(both)).toBe(200);
      expect(total(both)).toBeGreaterThanOrEqual(total(first));
    }
  });

  it("lose nothing that one of them goes on to write where it knows it, and count it no other way later", () => {
    const changed = read(before, { up: 110, multiplier: 2 }, known);
    const slow = read(changed, { up: 200, multiplier: 1 }, known);
    expect(total(slow)).toBe(100 + 20 + 90);
    expect(knownOf(slow, "main", 1).up).toEqual({ generation: 1, value: 200, multiplier: null });
    expect(knownOf(compact(slow), "main", 1).up).toEqual({ generation: 1, value: 200, multiplier: 2 });
    for (const same of [slow, compact(slow)]) {
      expect(total(read(same, { up: 210, multiplier: 2 }))).toBe(total(slow) + 20);
      expect(total(read(resetBy(same, "job"), { up: 210, multiplier: 2 }))).toBe(20);
    }
  });

  it("book no byte again that a slow one has written beyond a reset, in a generation before the one it lies in", () => {
    const changed = read(null, { up: 1, multiplier: 0 });
    const slow = read(resetBy(changed, "job"), { up: 11 }, knownOf(null, "main", 1));
    for (const same of [slow, compact(slow)]) {
      expect([total(same), lifetime(same)]).toEqual([10, 11]);
      const later = read(same, { up: 21, multiplier: 2 });
      expect([total(later), lifetime(later)]).toEqual([30, 31]);
      expect([total(compact(later)), lifetime(compact(later))]).toEqual([30, 31]);
    }
  });

  it("book nothing in a generation that has been folded, whatever it counted as", () => {
    const free = read(before, { up: 110, multiplier: 0 });
    const folded = compact(read(free, { up: 120, multiplier: 0.5 }));
    const slow = read(folded, { up: 200, multiplier: 0 }, knownOf(free, "main", 1));
    expect([total(slow), lifetime(slow)]).toEqual([105, 105]);
    const later = read(slow, { up: 200, multiplier: 0.5 });
    expect([total(later), lifetime(later)]).toEqual([145, 145]);
  });

  it("begin one generation, when they prepare it on the same version", () => {
    const once = read(before, { up: 110, multiplier: 2 }, known);
    const twice = read(once, { up: 120, multiplier: 3 }, known);
    expect(total(twice)).toBe(120);
    expect(total(read(twice, { up: 120, multiplier: 3 }))).toBe(100 + 20 + 30);
  });

  it("don't begin a generation again that another one has begun for one direction", () => {
    const start = (version: number, direction: "up" | "down", rest: object) =>
      ({ version, node: "main", epoch: 1, direction, generation: 1, ...rest }) as GenerationStart;
    const change = { kind: "multiplier-change", from: 100, multiplier: 2, first: 150 };
    const log = [
      start(0, "up", change),
      start(0, "down", { ...change, from: 0, first: 5 }),
      start(1, "up", { kind: "counter-reset", closedAt: 90, first: 7 }),
    ];
    expect(totals({ ...before, log })).toEqual({ up: 200, down: 0 });
  });

  it("don't count on in a generation that somebody else's reset of the counter has closed", () => {
    const changed = read(before, { up: 110, multiplier: 2 }, known);
    const reset = read(changed, { up: 5, multiplier: 2 });
    expect(total(reset)).toBe(130);
    // Of the counter after the reset, by one who knows of neither.
    const missed = read(reset, { up: 170, multiplier: 1 }, known);
    expect(total(missed)).toBe(130);
    expect(total(read(missed, { up: 180, multiplier: 2 }))).toBe(120 + 360);
  });
});

describe("compacting", () => {
  it("keeps what the newest generation counts as, and only where it is not 1", () => {
    const twice = compact(read(read(null, { up: 100 }), { up: 150, multiplier: 2 }));
    expect(twice.log).toEqual([
      {
        ...{ kind: "multiplier-change", version: twice.version, node: "main", epoch: 1, direction: "up" },
        ...{ generation: 1, from: 100, multiplier: 2, first: 150 },
      },
    ]);
    expect(total(twice)).toBe(200);
    expect(compact(twice)).toEqual({ ...twice, revision: twice.revision + 1, ...renumbered(twice, 2) });
    expect(compact(read(twice, { up: 160, multiplier: 1 }))).toMatchObject({ log: [], folded: { up: 200, down: 0 } });
  });

  it("is not needed because of what has to stay", () => {
    let record = emptyRecord("7");
    for (let node = 0; node < 40; node += 1) record = read(record, { up: 10, multiplier: 2, node: `node-${node}` });
    expect(needsCompaction(record)).toBe(false);
    expect(needsCompaction(compact(record))).toBe(false);
    for (const multiplier of Array.from({ length: 17 }, (_, index) => index + 3)) {
      const { value } = knownOf(record, "node-0", 1).up;
      record = read(record, { up: value + 1, multiplier, node: "node-0" });
    }
    expect(needsCompaction(record)).toBe(true);
    expect(total(compact(record))).toBe(total(record));
    expect(needsCompaction(compact(record))).toBe(false);
  });
});

/** What a record without anything new looks like after one more compaction. */
function renumbered({ version, log }: TrafficRecord, by: number): Pick<TrafficRecord, "version" | "log"> {
  return { version: version + by, log: log.map((event) => ({ ...event, version: event.version + by })) };
}
