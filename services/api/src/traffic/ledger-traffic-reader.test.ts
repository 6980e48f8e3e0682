import { emptyRecord, type TrafficRecord } from "@veil/traffic";
import { describe, expect, it } from "vitest";
import { ledgerTrafficReader } from "./ledger-traffic-reader.ts";

const readerOf = (record: TrafficRecord | null) =>
  ledgerTrafficReader({
    traffic: {
      find: async (entity) => (record?.entity === entity ? record : null),
      findMany: async (entities) =>
        new Map(record !== null && entities.includes(record.entity) ? [[record.entity, record]] : []),
      countedSince: async () => ["7", "node/main", "12"],
    },
    usage: { readUsage: async () => null, readMany: async () => new Map() },
    nodeLives: { list: async () => [] },
  });

const FIGURES = {
  lifetime: { upload: 5, download: 9 },
  reset: { upload: 0, download: 0 },
  lastUpdated: 1_700_000_000,
  firstCountedAt: null,
  lastCountedAt: 1_700_000_000,
};

describe("ledgerTrafficReader", () => {
  it("knows nothing of a key without a record", async () => {
    expect(await readerOf(null).find(7)).toBeNull();
  });

  it("knows nothing of a key whose counters were never read", async () => {
    expect(await readerOf(emptyRecord("7")).find(7)).toBeNull();
  });

  it("gives the totals, up as upload, and when they were read", async () => {
    const record = { ...emptyRecord("7"), readAt: 1_700_000_000, folded: { up: 5, down: 9 } };
    expect(await readerOf(record).find(7)).toEqual(FIGURES);
    expect(await readerOf(record).findMany([6, 7, 8])).toEqual(new Map([[7, FIGURES]]));
  });

  it("does not take all that a key, or a node, ever moved for that of a day where what is kept of its past makes no sense", async () => {
    const lifetime = 10 ** 12;
    const hours = { 24: { "main:1:0": { up: lifetime, down: 0 } } };
    const counted = { readAt: 90_000, countedAt: 90_000, live: { "main:1:0": { up: lifetime, down: 0 } }, hours };
    const records = new Map(["7", "node/main"].map((entity) => [entity, { ...emptyRecord(entity), ...counted }]));
    const reader = ledgerTrafficReader({
      traffic: {
        find: async (entity) => records.get(entity) ?? null,
        findMany: async (entities) => new Map([...records].filter(([entity]) => entities.includes(entity))),
        countedSince: async () => [],
      },
      usage: {
        readUsage: async () => null,
        readMany: async (entities) => new Map(entities.map((entity) => [entity, "unreadable" as const])),
      },
      nodeLives: {
        list: async () => [{ node: "main", revision: 1, marks: [], restarts: 0, seenAt: 0, seenEpoch: 0 }],
      },
    });
    const range = { from: 86_400, to: 172_800, step: "day" } as const;
    const none = [{ at: 86_400, upload: 0, download: 0 }];
    expect(await reader.usageOfAll(range)).toEqual(none);
    expect(
      await reader.usageOfKeys(
        (async function* ids() {
          yield [7];
        })(),
        range,
      ),
    ).toEqual(none);
  });

  it("leaves out nodes of what was counted of late", async () => {
    expect(await readerOf(null).online(0)).toEqual([7, 12]);
  });

  it("reads a record before its history: what moves over meanwhile is in one of them at least", async () => {
    const asked: string[] = [];
    const reader = ledgerTrafficReader({
      traffic: {
        find: async () => (asked.push("record"), null),
        findMany: async () => (asked.push("record"), new Map()),
        countedSince: async () => [],
      },
      usage: {
        readUsage: async () => (asked.push("history"), null),
        readMany: async () => (asked.push("history"), new Map()),
      },
      nodeLives: { list: async () => [] },
    });
    const range = { from: 0, to: 86_400, step: "day" } as const;
    await reader.usage(7, range);
    expect(await reader.usageOfAll(range)).toEqual([{ at: 0, upload: 0, download: 0 }]);
    expect(asked).toEqual(["record", "history", "record", "history"]);
  });
});
