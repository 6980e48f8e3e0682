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
