import type { LinkedPlace } from "./linked-places.ts";

/**
 * The places with those of one order that have a weight spread: each key sees them in an order of its own, always the same, in
 * which one of weight 3 comes first three times as often as one of weight 1. A place that comes or goes moves no other pair.
 */
export function inWeightedOrder(places: readonly LinkedPlace[], keyId: number): readonly LinkedPlace[] {
  if (!places.some(({ hosts: [{ weight }] }) => weight !== null)) return places;
  return places
    .map((place, index) => ({ place, index, rank: rankOf(place, keyId) }))
    .toSorted((a, b) => {
      const byOrder = Number(b.place.isUp) - Number(a.place.isUp) || a.place.hosts[0].order - b.place.hosts[0].order;
      return byOrder || a.rank - b.rank || a.index - b.index;
    })
    .map(({ place }) => place);
}

/** Exponentially distributed by the weight (Efraimidis and Spirakis); before all of them without one. */
function rankOf({ hosts: [{ id, weight }] }: LinkedPlace, keyId: number): number {
  return weight === null ? -1 : -Math.log(unitHash(`${keyId} ${id}`)) / weight;
}

/** FNV-1a with the final mix of MurmurHash3, between 0 and 1 exclusively. */
function unitHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
