import { keyEntity, type TrafficRecord, type TrafficStore, totals } from "@veil/traffic";
import type { TrafficFigures, TrafficReader } from "../ports.ts";

/** Reads the stored traffic of keys from the ledger. */
export function ledgerTrafficReader(store: Pick<TrafficStore, "find" | "findMany">): TrafficReader {
  return {
    find: async (keyId) => figuresOf(await store.find(keyEntity(keyId))),
    findMany: async (keyIds) => {
      const records = await store.findMany(keyIds.map(keyEntity));
      const found = new Map<number, TrafficFigures>();
      for (const keyId of keyIds) {
        const figures = figuresOf(records.get(keyEntity(keyId)) ?? null);
        if (figures !== null) found.set(keyId, figures);
      }
      return found;
    },
  };
}

function figuresOf(record: TrafficRecord | null): TrafficFigures | null {
  if (record === null || record.read_at === 0) return null;
  const { up, down } = totals(record);
  return { upload: up, download: down, lastUpdated: record.read_at, firstCountedAt: null, lastCountedAt: null };
}
