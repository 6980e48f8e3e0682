import { isSameUuidInXray, isUuidV4 } from "@veil/protocols";
import { LegacyDatabaseError } from "./import-errors.ts";
import type { LegacyKey } from "./legacy-key.ts";

/**
 * The first implementation counted its keys from 1, so a larger id is a mistake; new keys get ids above the highest one, which
 * must stay far below 2^53.
 */
const HIGHEST_ID = 1_000_000_000_000;

/**
 * Checks what no key may be: with an id that leaves none to new keys, or, while it is active, without a random UUID or taken by
 * Xray for another one.
 *
 * @throws {LegacyDatabaseError}
 */
export function checkKeys(keys: readonly LegacyKey[]): void {
  const byUuid = new Map<string, LegacyKey>();
  for (const { id, isActive } of keys) {
    if (id <= HIGHEST_ID) continue;
    const mend = isActive ? "give that key another id" : "delete that inactive row";
    throw new LegacyDatabaseError(`id ${id} leaves too few for new keys, which get ids above the highest one; ${mend}`);
  }
  for (const key of keys.filter(({ isActive }) => isActive)) {
    if (!isUuidV4(key.uuid)) throw new LegacyDatabaseError(`key ${key.id} has no version 4 UUID`);
    const other = byUuid.get(matchOf(key.uuid));
    if (other !== undefined && isSameUuidInXray(key.uuid, other.uuid)) {
      throw new LegacyDatabaseError(`Xray takes the UUIDs of keys ${other.id} and ${key.id} for the same user`);
    }
    byUuid.set(matchOf(key.uuid), key);
  }
}

/** Two UUIDs that Xray takes for the same user have the same one, in upper case or without dashes too. */
export function matchOf(uuid: string): string {
  const hex = uuid.replaceAll("-", "").toLowerCase();
  return hex.slice(0, 12) + hex.slice(16);
}
