import { keySubject, type TrafficStore, totals } from "@veil/traffic-ledger";
import type { TrafficReader } from "../ports.ts";

/** Reads the stored traffic of keys from the ledger. */
export function ledgerTrafficReader(store: Pick<TrafficStore, "find">): TrafficReader {
  return {
    find: async (keyId) => {
      const record = await store.find(keySubject(keyId));
      if (record === null || record.read_at === 0) return null;
      const { up, down } = totals(record);
      return { upload: up, download: down, lastUpdated: record.read_at };
    },
  };
}
