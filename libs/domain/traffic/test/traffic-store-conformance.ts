import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import {
  answerOf,
  compact,
  formatEntryId,
  knownOf,
  type LedgerUpdate,
  observe,
  prepareReset,
  readable,
  totals,
  type TrafficRecord,
  type TrafficStore,
  updateOf,
} from "../src/index.ts";

const EPOCH = 1_763_923_456;

/**
 * Registers what the collector relies on in a {@link TrafficStore}.
 *
 * @param open the store under test; other entities may be in it already, and each call may give the same one
 */
export function trafficStoreConformance(open: () => TrafficStore): void {
  it("finds nothing of an entity that was never written", async () => {
    const store = open();
    expect(await store.find(randomUUID())).toBeNull();
    expect(await store.findMany([randomUUID()])).toEqual(new Map());
  });

  it("says of which entities bytes were counted of late", async () => {
    const store = open();
    const [late, early, idle] = [randomUUID(), randomUUID(), randomUUID()];
    const at = 2_000_000_000;
    await store.write({ ...reading(late, null, 7), readAt: at });
    await store.write({ ...reading(early, null, 7), readAt: at - 61 });
    await store.write({ entity: idle, readAt: at, raise: {}, append: [] });
    const counted = await store.countedSince(at - 60);
    expect([late, early, idle].map((entity) => counted.includes(entity))).toEqual([true, false, false]);
  });

  it("finds what was written, whole and alone", async () => {
    const store = open();
    const entity = randomUUID();
    const written = await store.write(reading(entity, null, 7_000_000_000));
    expect(written).toEqual({
      entity,
      revision: 1,
      readAt: 1,
      live: {
        [formatEntryId({ node: "main", epoch: EPOCH, generation: 0 })]: { up: 7_000_000_000, down: 21_000_000_000 },
      },
      log: [],
      version: 0,
      folded: { up: 0, down: 0 },
      baseline: {},
      answers: [],
      earlier: { up: 0, down: 0, through: null },
      countedAt: 1,
      firstCountedAt: 1,
      hours: { 0: { [`main:${EPOCH}:0`]: { up: 7_000_000_000, down: 21_000_000_000 } } },
    });
    expect(await store.find(entity)).toEqual(written);
    expect(await store.findMany([entity, randomUUID()])).toEqual(new Map([[entity, written]]));
  });

  it("only ever raises values and the time of the reading, in whatever order writes come", async () => {
    const store = open();
    const entity = randomUUID();
    const updates = [30, 10, 20].map((up) => reading(entity, null, up, EPOCH, up));
    for (const update of updates) expect(await store.writeMany([update])).toEqual(new Set());
    const record = await store.find(entity);
    expect(record).toMatchObject({ revision: 3, readAt: 30 });
    expect(record && totals(record)).toEqual({ up: 30, down: 90 });
  });

  it("keeps when bytes were first and last counted, and what each hour came to", async () => {
    const store = open();
    const entity = randomUUID();
    for (const [up, readAt] of [
      [20, 7_300],
      [10, 3_700],
      [15, 7_200],
    ] as const) {
      await store.write(reading(entity, null, up, EPOCH, readAt));
    }
    await store.writeMany([updateOf(entity, [], 9_000)]);
    const name = `main:${EPOCH}:0`;
    expect(await store.find(entity)).toMatchObject({
      readAt: 9_000,
      countedAt: 7_300,
      firstCountedAt: 3_700,
      hours: { 1: { [name]: { up: 10, down: 30 } }, 2: { [name]: { up: 20, down: 60 } } },
    });
  });

  it("keeps the lowest point at which the hours of an older record begin", async () => {
    const store = open();
    const entity = randomUUID();
    const begun = [50, 40, 45].map((up) => ({ ...reading(entity, null, 60), historyFrom: { up, down: up } }));
    await store.writeMany(begun.slice(0, 1));
    await store.write(begun[1] ?? reading(entity, null, 60));
    await store.writeMany(begun.slice(2));
    expect((await store.find(entity))?.historyFrom).toEqual({ up: 40, down: 40 });
  });

  it("drops hours, and keeps what the last of them had come to, in whatever order", async () => {
    const store = open();
    const entity = randomUUID();
    for (const hour of [1, 2, 3]) await store.write(reading(entity, null, hour * 10, EPOCH, hour * 3_600));
    const name = `main:${EPOCH}:0`;
    const trim = { entity, hour: 2, values: { [name]: { up: 20, down: 61 }, "b:1:0": { up: 4 } }, dropped: ["1"] };
    const before = await store.find(entity);
    await store.trimHours([trim, { ...trim, entity: randomUUID() }]);
    await store.trimHours([{ ...trim, values: { [name]: { up: 3 } }, dropped: [] }]);
    const after = await store.find(entity);
    expect(after?.hours).toEqual({
      2: { [name]: { up: 20, down: 61 }, "b:1:0": { up: 4 } },
      3: { [name]: { up: 30, down: 90 } },
    });
    expect(before && after && (await store.replace(before, compact(before)))).toBe(false);
  });

  it("stores one direction without the other, also at zero", async () => {
    const store = open();
    const entity = randomUUID();
    const update = { entity, readAt: 1, raise: { "main:1:0": { up: 0 } }, append: [] };
    expect((await store.write(update)).live).toEqual({ "main:1:0": { up: 0 } });
  });

  it("writes many entities at once, new and known ones", async () => {
    const store = open();
    const entities = Array.from({ length: 1_200 }, () => randomUUID());
    await store.writeMany(entities.slice(0, 600).map((entity) => reading(entity, null, 5)));
    expect(await store.writeMany(entities.map((entity) => reading(entity, null, 9)))).toEqual(new Set());
    const records = await store.findMany(entities);
    expect(records.size).toBe(1_200);
    expect([...readable(records).values()].every((record) => totals(record).up === 9)).toBe(true);
  });

  it("30 first writes of an entity at once lose nothing", async () => {
    const store = open();
    const entity = randomUUID();
    const values = Array.from({ length: 30 }, (__, index) => index + 1);
    await Promise.all(values.map((up) => store.writeMany([reading(entity, null, up)])));
    const record = await store.find(entity);
    expect(record?.revision).toBe(30);
    expect(record && totals(record).up).toBe(30);
  });

  it("appends counter resets in order and works them in", async () => {
    const store = open();
    const entity = randomUUID();
    const before = await store.write(reading(entity, null, 100));
    const after = await store.write(reading(entity, before, 4));
    expect(after.log).toHaveLength(2);
    expect(totals(after)).toEqual({ up: 104, down: 312 });
  });

  it("appends changed multipliers, works them in, and keeps them through compaction", async () => {
    const store = open();
    const entity = randomUUID();
    const first = await store.write(reading(entity, null, 100));
    const twice = await store.write(reading(entity, first, 150, EPOCH, 1, 2));
    expect(totals(twice)).toEqual({ up: 200, down: 600 });
    expect(await store.writeMany([reading(entity, twice, 160, EPOCH, 2, 0.5)])).toEqual(new Set());
    const half = await store.find(entity);
    expect(half?.log).toHaveLength(4);
    if (half === null) return;
    const compacted = compact(half);
    expect(await store.replace(half, compacted)).toBe(true);
    expect(await store.find(entity)).toEqual(compacted);
    const after = await store.write(reading(entity, compacted, 180, EPOCH, 3, 0.5));
    expect(totals(after)).toEqual({ up: 215, down: 645 });
  });

  it("of 20 changed multipliers of one version at once exactly one holds, in both directions", async () => {
    const store = open();
    const entity = randomUUID();
    const before = await store.write(reading(entity, null, 100));
    const multipliers = Array.from({ length: 20 }, (__, index) => index + 2);
    await Promise.all(
      multipliers.map(async (multiplier) => store.writeMany([reading(entity, before, 110, EPOCH, 1, multiplier)])),
    );
    const record = await store.find(entity);
    expect(record?.log).toHaveLength(40);
    const [winner] = record?.log ?? [];
    const multiplier = winner?.kind === "multiplier-change" ? winner.multiplier : 0;
    expect(record && totals(record)).toEqual({ up: 100 + 10 * multiplier, down: 300 + 30 * multiplier });
  });

  it("of 20 resets of one version at once exactly one holds, and all see the same one", async () => {
    const store = open();
    const entity = randomUUID();
    const before = await store.write(reading(entity, null, 100));
    const jobs = Array.from({ length: 20 }, (__, index) => `reset-${index}`);
    await Promise.all(
      jobs.map((job) => {
        const reset = prepareReset(before, job, new Map([["main", EPOCH]]), 50);
        return store.write({ entity, readAt: 0, raise: {}, append: [reset] });
      }),
    );
    const record = await store.find(entity);
    const answered = jobs.flatMap((job) => answerOf(record, job, 0) ?? []);
    expect(answered.map(({ previous }) => previous)).toEqual([{ up: 100, down: 300 }]);
    expect(record && totals(record)).toEqual({ up: 0, down: 0 });
  });

  it("puts a compacted record in place unless the record has changed", async () => {
    const store = open();
    const entity = randomUUID();
    const first = await store.write(reading(entity, null, 100));
    const second = await store.write(reading(entity, first, 7, EPOCH + 1));
    expect(await store.replace(first, compact(first))).toBe(false);
    const compacted = compact(second);
    expect(await store.replace(second, compacted)).toBe(true);
    expect(await store.find(entity)).toEqual(compacted);
    const late = await store.write(reading(entity, null, 120));
    expect(totals(late)).toEqual({ up: 107, down: 321 });
  });

  it("names the entities of all records, and removes those it is given", async () => {
    const store = open();
    const [kept, removed] = [randomUUID(), randomUUID()];
    await store.writeMany([reading(kept, null, 1), reading(removed, null, 1)]);
    await store.remove([removed, randomUUID()]);
    const entities = await collect(store.entities());
    expect(entities).toContain(kept);
    expect(entities).not.toContain(removed);
  });
}

function reading(
  entity: string,
  record: TrafficRecord | null,
  up: number,
  epoch = EPOCH,
  readAt = 1,
  multiplier = 1,
): LedgerUpdate {
  const observation = observe(knownOf(record, "main", epoch), { node: "main", epoch, up, down: up * 3 }, multiplier);
  return updateOf(entity, [observation], readAt);
}

async function collect(items: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
