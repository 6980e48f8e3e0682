import type { ShownTraffic } from "@veil/http-contract";
import type { FoundMoved, KeyTraffic, MovedBytes } from "@veil/keys";
import { figuresOf, keyEntity, readable, type TrafficRecord, type TrafficStore } from "@veil/traffic";

/** The traffic of keys, as the ledger holds it. */
export function ledgerKeyTraffic(store: Pick<TrafficStore, "find" | "findMany">): KeyTraffic {
  return {
    movedBy: async (keyId) => movedIn(await store.find(keyEntity(keyId))),
    movedByMany: async (keyIds) => {
      const records = await store.findMany(keyIds.map(keyEntity));
      const moved = new Map<number, FoundMoved>();
      for (const keyId of keyIds) {
        const record = records.get(keyEntity(keyId));
        if (record !== undefined) moved.set(keyId, record === "unreadable" ? record : movedIn(record));
      }
      return moved;
    },
  };
}

/** The traffic that callers are shown of many keys; one that was never counted is missing. */
export function ledgerShownTraffic(
  store: Pick<TrafficStore, "findMany">,
): (keyIds: readonly number[]) => Promise<Map<number, ShownTraffic>> {
  return async (keyIds) => {
    const records = readable(await store.findMany(keyIds.map(keyEntity)));
    const shown = new Map<number, ShownTraffic>();
    for (const keyId of keyIds) {
      const record = records.get(keyEntity(keyId));
      if (record === undefined) continue;
      const { firstCountedAt, lastCountedAt } = figuresOf(record);
      shown.set(keyId, { ...movedIn(record), firstCountedAt, lastCountedAt });
    }
    return shown;
  };
}

function movedIn(record: TrafficRecord | null): MovedBytes {
  const { lifetime, used } = figuresOf(record);
  return {
    lifetime: { upload: lifetime.up, download: lifetime.down },
    reset: { upload: lifetime.up - used.up, download: lifetime.down - used.down },
  };
}
