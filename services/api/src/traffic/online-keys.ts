import type { Clock } from "@veil/keys";
import type { TrafficReader } from "../ports.ts";

/** A key is online when bytes of it were counted within so many seconds: a few syncs, as often as they are by default. */
const ONLINE_SECONDS = 60;

/** Ids of the keys that are online at the moment. @throws {StoreUnavailableError} while the store is unavailable */
export function onlineKeys(
  traffic: Pick<TrafficReader, "countedSince">,
  clock: Pick<Clock, "now">,
): Promise<readonly number[]> {
  return traffic.countedSince(Math.floor(clock.now() / 1_000) - ONLINE_SECONDS);
}
