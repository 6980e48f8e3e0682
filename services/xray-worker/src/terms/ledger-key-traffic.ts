import type { KeyTraffic } from "@veil/keys";
import { keyEntity, type TrafficStore, totals } from "@veil/traffic";

/** What keys have ever moved, as the ledger holds it. */
export function ledgerKeyTraffic(store: Pick<TrafficStore, "find">): KeyTraffic {
  return {
    lifetimeOf: async (keyId) => {
      const record = await store.find(keyEntity(keyId));
      if (record === null) return { upload: 0, download: 0 };
      const { up, down } = totals(record);
      return { upload: up, download: down };
    },
  };
}
