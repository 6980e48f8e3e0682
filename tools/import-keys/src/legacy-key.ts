import { isSameUuidInXray, isUuidV4 } from "@veil/protocols";
import { LegacyDatabaseError } from "./import-errors.ts";

/** A key as the first implementation kept it. */
export interface LegacyKey {
  readonly id: number;
  /** Lower-case v4. */
  readonly uuid: string;
  readonly name: string | null;
  readonly shortId: string | null;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly isActive: boolean;
  readonly traffic: LegacyTraffic;
}

/**
 * The old system's record of a key's traffic: a copy of Xray's counters, written over at every sync. Bytes; zero
 * without a record.
 *
 * A restart of Xray set its counters, and with the next sync these figures, to zero.
 */
export interface LegacyTraffic {
  readonly up: number;
  readonly down: number;
  /** When the copy was made. Unix seconds, 0 when never. */
  readonly updatedAt: number;
}

/** The e-mails that a key's user may have in Xray: the second one where the first implementation was given none. */
export function legacyEmails({ id, uuid }: Pick<LegacyKey, "id" | "uuid">): readonly [string, string] {
  const start = uuid.slice(0, 8);
  return [`user_${id}_${start}`, `user_${start}`];
}

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
