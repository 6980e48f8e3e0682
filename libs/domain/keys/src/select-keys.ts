import type { Viewer } from "./owners.ts";
import type { KeyFilter, KeyReader } from "./ports.ts";

/** Keys as callers pick them out. All that is named has to fit; nothing named picks all. */
export interface KeySelection extends Omit<KeyFilter, "at" | "owner" | "keyIds" | "exceptKeyIds"> {
  /** Of the owner of whoever picks them; without one, of nobody. */
  readonly externalId?: string;
  /** Whether bytes were counted of late. */
  readonly online?: boolean;
}

export interface SelectKeysPorts {
  readonly keys: Pick<KeyReader, "findByExternalId">;
  /** Ids of the keys whose bytes were counted of late. */
  readonly online: () => Promise<readonly number[]>;
}

/**
 * The filter that finds what was picked out, of the keys that whoever picks them sees.
 *
 * @param now milliseconds since the epoch: statuses are those of this moment
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function filterOf(
  { externalId, online, ...rest }: KeySelection,
  { owner }: Viewer,
  now: number,
  ports: SelectKeysPorts,
): Promise<KeyFilter> {
  const filter = { ...rest, at: now, ...(owner !== null && { owner }) };
  const known = externalId === undefined ? null : await ports.keys.findByExternalId({ externalId, owner });
  const named = externalId === undefined ? null : known === null ? [] : [known.keyId];
  if (online === undefined) return named === null ? filter : { ...filter, keyIds: named };
  const counted = await ports.online();
  if (named === null) return online ? { ...filter, keyIds: counted } : { ...filter, exceptKeyIds: counted };
  const among = new Set(counted);
  return { ...filter, keyIds: named.filter((keyId) => among.has(keyId) === online) };
}
