import { figuresOf, keyEntity, type TrafficRecord, type TrafficStore } from "@veil/traffic";
import type { TrafficFigures, TrafficReader } from "../ports.ts";

/** Reads the stored traffic of keys from the ledger. */
export function ledgerTrafficReader(store: Pick<TrafficStore, "find" | "findMany">): TrafficReader {
  return {
    find: async (keyId) => trafficFigures(await store.find(keyEntity(keyId))),
    findMany: async (keyIds) => {
      const records = await store.findMany(keyIds.map(keyEntity));
      const found = new Map<number, TrafficFigures>();
      for (const keyId of keyIds) {
        const figures = trafficFigures(records.get(keyEntity(keyId)) ?? null);
        if (figures !== null) found.set(keyId, figures);
      }
      return found;
    },
  };
}

function trafficFigures(record: TrafficRecord | null): TrafficFigures | null {
  const { lifetime, used, readAt, firstCountedAt, lastCountedAt } = figuresOf(record);
  if (readAt === null) return null;
  return {
    lifetime: { upload: lifetime.up, download: lifetime.down },
    reset: { upload: lifetime.up - used.up, download: lifetime.down - used.down },
    lastUpdated: readAt,
    firstCountedAt,
    lastCountedAt,
  };
}
