import { isSameUuidInXray, isUuidV4 } from "@veil/protocols";
import { LegacyDatabaseError } from "./import-errors.ts";
import type { LegacyKey } from "./legacy-key.ts";

/**
 * Checks what no key may be: without a random UUID, or taken by Xray for another one.
 *
 * @throws {LegacyDatabaseError}
 */
export function checkKeys(keys: readonly LegacyKey[]): void {
  const byUuid = new Map<string, LegacyKey>();
  for (const key of keys) {
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
