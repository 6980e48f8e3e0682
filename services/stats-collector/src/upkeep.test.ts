import { AllKeysGoneError, StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { applyUpdate, emptyRecord, totals, type TrafficRecord } from "@veil/traffic";
import { InMemoryTrafficStore } from "@veil/traffic/testing";
import { expect, it, vi } from "vitest";
import { Rig } from "../test/in-memory/rig.ts";
import { RecordCompactor, removeGone, removeGoneUnderLease } from "./upkeep.ts";

async function grown(records: InMemoryTrafficStore, entity: string): Promise<TrafficRecord> {
  const raise = Object.fromEntries(Array.from({ length: 20 }, (_, epoch) => [`main:${epoch}:0`, { up: 10 }]));
  await records.write({ entity, readAt: 1, raise, append: [] });
  return (await records.find(entity)) ?? emptyRecord(entity);
}

const clock = { monotonic: () => 0 };

it("compacts what has grown, once", async () => {
  const records = new InMemoryTrafficStore();
  const compactor = new RecordCompactor(records, clock);
  compactor.notice(await grown(records, "1"));
  compactor.notice(emptyRecord("2"));
  expect(await compactor.pass()).toBe(1);
  expect(await compactor.pass()).toBe(0);
  const record = await records.find("1");
  expect(Object.keys(record?.live ?? {})).toHaveLength(1);
  expect(record && totals(record)).toEqual({ up: 200, down: 0 });
});

it("keeps a record for the next pass that changed in between", async () => {
  const records = new InMemoryTrafficStore();
  const compactor = new RecordCompactor(records, clock);
  const record = await grown(records, "1");
  compactor.notice(record);
  vi.spyOn(records, "find").mockResolvedValueOnce(record);
  await records.write({ entity: "1", readAt: 2, raise: { "main:3:0": { up: 15 } }, append: [] });
  expect(await compactor.pass()).toBe(0);
  expect(await compactor.pass()).toBe(1);
  const after = await records.find("1");
  expect(after && totals(after)).toEqual({ up: 205, down: 0 });
});

it("forgets a record that is gone", async () => {
  const records = new InMemoryTrafficStore();
  const compactor = new RecordCompactor(records, clock);
  compactor.notice(applyUpdate(await grown(records, "1"), { entity: "1", readAt: 0, raise: {}, append: [] }));
  await records.remove(["1"]);
  expect(await compactor.pass()).toBe(0);
});

it("goes on with the others when a record can't be read", async () => {
  const records = new InMemoryTrafficStore();
  const compactor = new RecordCompactor(records, clock);
  for (const entity of ["1", "2"]) compactor.notice(await grown(records, entity));
  vi.spyOn(records, "find").mockRejectedValueOnce(new UnreadableRecordError("of a newer version"));
  expect(await compactor.pass()).toBe(1);
});

it("compacts the others where the store refuses one, and says so", async () => {
  const records = new InMemoryTrafficStore();
  const compactor = new RecordCompactor(records, clock);
  for (const entity of ["1", "2"]) compactor.notice(await grown(records, entity));
  vi.spyOn(records, "replace").mockRejectedValueOnce(new Error("the document is too large"));
  await expect(compactor.pass()).rejects.toThrow("too large");
  expect(Object.keys((await records.find("2"))?.live ?? {})).toHaveLength(1);
  expect(await compactor.pass()).toBe(0);
});

it("begins with others after one that could not be replaced, as of a newer version", async () => {
  const records = new InMemoryTrafficStore();
  let now = 0;
  const compactor = new RecordCompactor(records, { monotonic: () => (now += 600) });
  for (const entity of ["1", "2"]) compactor.notice(await grown(records, entity));
  const { replace } = records;
  records.replace = async (before, after) => before.entity !== "1" && replace.call(records, before, after);
  expect([await compactor.pass(), await compactor.pass(), await compactor.pass()]).toEqual([0, 1, 0]);
});

it("keeps what it has not looked at while the store is away", async () => {
  const records = new InMemoryTrafficStore();
  const compactor = new RecordCompactor(records, clock);
  compactor.notice(await grown(records, "1"));
  vi.spyOn(records, "replace").mockRejectedValueOnce(new StoreUnavailableError(new Error("away")));
  await expect(compactor.pass()).rejects.toThrow(StoreUnavailableError);
  expect(await compactor.pass()).toBe(1);
});

it("leaves the rest for the next pass after a second", async () => {
  const records = new InMemoryTrafficStore();
  let now = 0;
  const compactor = new RecordCompactor(records, {
    monotonic: () => {
      now += 400;
      return now;
    },
  });
  for (const entity of ["1", "2", "3", "4"]) compactor.notice(await grown(records, entity));
  expect(await compactor.pass()).toBe(2);
  expect(await compactor.pass()).toBe(2);
});

it("removes records of keys that are not active, and keeps nodes", async () => {
  const rig = new Rig();
  for (const keyId of [1, 2]) rig.node.xray.move(keyId, "up", 5);
  await rig.sync().run();
  rig.active.delete(2);
  expect(await removeGone([rig.records], rig.keyReader)).toBe(1);
  expect(await rig.records.find("1")).not.toBeNull();
  expect(await rig.records.find("2")).toBeNull();
  expect(await rig.records.find("node/main")).not.toBeNull();
  expect(await removeGone([rig.records], rig.keyReader)).toBe(0);
});

it("keeps the records of a key whose own makes no sense: nothing says that it was deleted", async () => {
  const rig = await rigWithRecords(2);
  rig.active.clear();
  rig.unreadable.add(1);
  expect(await removeGone([rig.records], rig.keyReader)).toBe(1);
  expect([await rig.records.find("1"), await rig.records.find("2")]).toEqual([expect.anything(), null]);
});

async function rigWithRecords(count: number): Promise<Rig> {
  const rig = new Rig();
  const entities = Array.from({ length: count }, (_, index) => String(index + 1));
  await rig.records.writeMany(entities.map((entity) => ({ entity, readAt: 1, raise: {}, append: [] })));
  return rig;
}

it("removes nothing of many keys of which none is active, as when the database lost them", async () => {
  const rig = await rigWithRecords(51);
  rig.active.clear();
  await expect(removeGone([rig.records], rig.keyReader)).rejects.toThrow(AllKeysGoneError);
  expect(await rig.records.find("51")).not.toBeNull();
  rig.active.add(51);
  expect(await removeGone([rig.records], rig.keyReader)).toBe(50);
  rig.active.clear();
  expect(await removeGone([rig.records], rig.keyReader)).toBe(1);
});

it("goes through any number of records", async () => {
  const rig = await rigWithRecords(2_500);
  expect(await removeGone([rig.records], rig.keyReader)).toBe(2_497);
});

it("reads every active key once, however many records there are", async () => {
  const rig = await rigWithRecords(10_000);
  for (let keyId = 1; keyId <= 9_000; keyId += 1) rig.active.add(keyId);
  expect(await removeGone([rig.records], rig.keyReader)).toBe(1_000);
  expect(rig.idsRead).toBe(9_000);
});

it("keeps the record of a key that is created during the pass", async () => {
  const rig = await rigWithRecords(3);
  const records = {
    async *entities() {
      rig.active.add(4);
      await rig.records.write({ entity: "4", readAt: 1, raise: {}, append: [] });
      yield* rig.records.entities();
    },
    remove: (entities: readonly string[]) => rig.records.remove(entities),
  };
  expect(await removeGone([records], rig.keyReader)).toBe(0);
  expect(await rig.records.find("4")).not.toBeNull();
});

it("leaves the removal to the collector that holds the lease", async () => {
  const rig = await rigWithRecords(5);
  const heldByAnother = { acquire: async () => null };
  expect(await removeGoneUnderLease(heldByAnother, [rig.records], rig.keyReader)).toBe(0);
  expect(rig.idsRead).toBe(0);
  const ours = { acquire: async () => ({ abandonedBy: null, fence: 1 }) };
  expect(await removeGoneUnderLease(ours, [rig.records], rig.keyReader)).toBe(2);
});
