import type { KeyTraffic } from "@veil/keys";
import { figuresOf, keyEntity, type TrafficStore } from "@veil/traffic";

/** What keys have moved, as the ledger holds it. */
export function ledgerKeyTraffic(store: Pick<TrafficStore, "find">): KeyTraffic {
  return {
    movedBy: async (keyId) => {
      const { lifetime, used } = figuresOf(await store.find(keyEntity(keyId)));
      return {
        lifetime: { upload: lifetime.up, download: lifetime.down },
        reset: { upload: lifetime.up - used.up, download: lifetime.down - used.down },
      };
    },
  };
}
