import { isNodeEntity } from "./model.ts";
import type { TrafficStore } from "./ports.ts";

/** A key is online when bytes of it were counted within so many seconds: a few syncs, as often as they are by default. */
const ONLINE_SECONDS = 60;

/** Ids of the keys that are online. @param now milliseconds since the epoch */
export async function onlineKeys(records: Pick<TrafficStore, "countedSince">, now: number): Promise<number[]> {
  const entities = await records.countedSince(Math.floor(now / 1_000) - ONLINE_SECONDS);
  return entities.filter((entity) => !isNodeEntity(entity)).map(Number);
}
