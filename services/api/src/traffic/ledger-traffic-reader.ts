import {
  figuresOf,
  type FoundHistory,
  keyEntity,
  nodeEntity,
  type NodeLivesStore,
  onlineKeys,
  readable,
  sumUsage,
  type TrafficRecord,
  type TrafficStore,
  type Usage as LedgerUsage,
  usageOf,
  type UsageStore,
} from "@veil/traffic";
import type { TrafficFigures, TrafficReader, Usage } from "../ports.ts";

/** The API's view of the ledger. */
export interface LedgerStores {
  readonly traffic: Pick<TrafficStore, "find" | "findMany" | "countedSince">;
  readonly usage: Pick<UsageStore, "readUsage" | "readMany">;
  readonly nodeLives: Pick<NodeLivesStore, "list">;
}

/** A history is large; an engine without the right index reads all of them for each part. */
const HISTORIES_AT_ONCE = 5_000;

/** Reads the stored traffic of keys from the ledger. */
export function ledgerTrafficReader({ traffic: store, usage, nodeLives }: LedgerStores): TrafficReader {
  return {
    online: (now) => onlineKeys(store, now),
    usage: async (keyId, range) => {
      const entity = keyEntity(keyId);
      // The record first: what moves into the history meanwhile is in both then, and counts once; the other way in neither.
      const record = await store.find(entity);
      return usageOf(record, await usage.readUsage(entity), range).map(inWords);
    },
    usageOfAll: async (range) => {
      const entities = (await nodeLives.list()).map(({ node }) => nodeEntity(node));
      const records = readable(await store.findMany(entities));
      const histories = await usage.readMany(entities);
      const usages = entities.map((entity) => usageIn(records.get(entity), histories.get(entity), range));
      const none = usageOf(null, null, range);
      return sumUsage([none, ...usages]).map(inWords);
    },
    usageOfKeys: async (groups, range) => {
      let sum = usageOf(null, null, range);
      for await (const part of inParts(groups)) {
        const entities = part.map(keyEntity);
        const records = readable(await store.findMany(entities));
        const histories = await usage.readMany(entities);
        const usages = entities.map((entity) => usageIn(records.get(entity), histories.get(entity), range));
        sum = sumUsage([sum, ...usages]);
      }
      return sum.map(inWords);
    },
    find: async (keyId) => trafficFigures(await store.find(keyEntity(keyId))),
    findMany: async (keyIds) => {
      const records = readable(await store.findMany(keyIds.map(keyEntity)));
      const found = new Map<number, TrafficFigures>();
      for (const keyId of keyIds) {
        const figures = trafficFigures(records.get(keyEntity(keyId)) ?? null);
        if (figures !== null) found.set(keyId, figures);
      }
      return found;
    },
  };
}

/** Of an entity of which the past makes no sense nothing is shown: all that it ever moved would be that of the first hour in its record. */
function usageIn(
  record: TrafficRecord | undefined,
  history: FoundHistory | undefined,
  range: Parameters<typeof usageOf>[2],
): LedgerUsage[] {
  if (history === "unreadable") return usageOf(null, null, range);
  return usageOf(record ?? null, history ?? null, range);
}

async function* inParts(groups: AsyncIterable<readonly number[]>): AsyncGenerator<readonly number[]> {
  for await (const group of groups) {
    for (let start = 0; start < group.length; start += HISTORIES_AT_ONCE) {
      yield group.slice(start, start + HISTORIES_AT_ONCE);
    }
  }
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

function inWords({ at, up, down }: LedgerUsage): Usage {
  return { at, upload: up, download: down };
}
