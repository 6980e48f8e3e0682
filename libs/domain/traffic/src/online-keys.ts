import { isNodeEntity } from "./model.ts";
import type { TrafficStore } from "./ports.ts";

/** A key is online when bytes of it were counted within so many seconds: a few syncs, as often as they are by default. */
const ONLINE_SECONDS = 60;

/** Ids of the keys that are online. @param now milliseconds since the epoch */
export async function onlineKeys(records: Pick<TrafficStore, "countedSince">, now: number): Promise<number[]> {
  const entities = await records.countedSince(onlineSince(now));
  return entities.filter((entity) => !isNodeEntity(entity)).map(Number);
}

/**
 * Whether a key is among {@link onlineKeys}.
 *
 * @param lastCountedAt when bytes of it were last counted, in unix seconds; null when none were
 * @param now milliseconds since the epoch
 */
export function isCountedOnline(lastCountedAt: number | null, now: number): boolean {
  return lastCountedAt !== null && lastCountedAt >= onlineSince(now);
}

function onlineSince(now: number): number {
  return Math.floor(now / 1_000) - ONLINE_SECONDS;
}
