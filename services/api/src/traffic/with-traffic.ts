import type { KeyRecord } from "@veil/keys";
import type { TrafficFigures, TrafficReader } from "../ports.ts";

/** A key and what it has moved; null for one that was never counted. */
export interface KeyWithTraffic {
  readonly key: KeyRecord;
  readonly figures: TrafficFigures | null;
}

/** An engine without the right index reads all records for each part, so parts are large. */
const JOINED_AT_ONCE = 20_000;

/** Joins a list of keys with their traffic, many at a time. */
export async function* withTraffic(
  groups: AsyncIterable<readonly KeyRecord[]>,
  traffic: Pick<TrafficReader, "findMany">,
): AsyncGenerator<KeyWithTraffic[]> {
  let part: KeyRecord[] = [];
  for await (const group of groups) {
    part.push(...group);
    if (part.length < JOINED_AT_ONCE) continue;
    yield await joined(part, traffic);
    part = [];
  }
  if (part.length > 0) yield await joined(part, traffic);
}

async function joined(keys: readonly KeyRecord[], traffic: Pick<TrafficReader, "findMany">): Promise<KeyWithTraffic[]> {
  const figures = await traffic.findMany(keys.map(({ keyId }) => keyId));
  return keys.map((key) => ({ key, figures: figures.get(key.keyId) ?? null }));
}
