import { applyUpdate, emptyRecord, InMemoryTrafficStore, totals, type TrafficRecord } from "@veil/traffic-ledger";
import { expect, it, vi } from "vitest";
import { RecordCompactor } from "./compact-records.ts";

async function grown(records: InMemoryTrafficStore, subject: string): Promise<TrafficRecord> {
  const raise = Object.fromEntries(Array.from({ length: 20 }, (_, epoch) => [`main:${epoch}:0`, { up: 10 }]));
  await records.write({ subject, read_at: 1, raise, append: [] });
  return (await records.find(subject)) ?? emptyRecord(subject);
}

const clock = { now: () => 0 };

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
  await records.write({ subject: "1", read_at: 2, raise: { "main:3:0": { up: 15 } }, append: [] });
  expect(await compactor.pass()).toBe(0);
  expect(await compactor.pass()).toBe(1);
  const after = await records.find("1");
  expect(after && totals(after)).toEqual({ up: 205, down: 0 });
});

it("forgets a record that is gone", async () => {
  const records = new InMemoryTrafficStore();
  const compactor = new RecordCompactor(records, clock);
  compactor.notice(applyUpdate(await grown(records, "1"), { subject: "1", read_at: 0, raise: {}, append: [] }));
  await records.remove(["1"]);
  expect(await compactor.pass()).toBe(0);
});

it("leaves the rest for the next pass after a second", async () => {
  const records = new InMemoryTrafficStore();
  let now = 0;
  const compactor = new RecordCompactor(records, {
    now: () => {
      now += 400;
      return now;
    },
  });
  for (const subject of ["1", "2", "3", "4"]) compactor.notice(await grown(records, subject));
  expect(await compactor.pass()).toBe(2);
  expect(await compactor.pass()).toBe(2);
});
