import { LONGEST_KEY_NAME } from "@veil/http-contract";
import { isWanted, type KeyRecord } from "@veil/keys";
import type { LegacyKey } from "./legacy-key.ts";
import type { NodeStock } from "./take-stock.ts";

/** The effects that an import would have. */
export interface ImportPlan {
  /** Keys of the database. */
  readonly keys: number;
  readonly inactive: number;
  readonly toAdd: number;
  readonly highestId: number;
  readonly bytes: { readonly up: number; readonly down: number };
  readonly nodes: readonly { readonly name: string; readonly toReplace: number; readonly toAdd: number }[];
  /** How many names the API would not take as they are, and which are shortened or lose their control characters. */
  readonly namesToFit: number;
  /** Short ids other than the common one that the keys' links name, most used first. */
  readonly shortIds: readonly string[];
}

/**
 * The plan of an import.
 *
 * @param stock of each node @param records of the keys that are in the database already @param now milliseconds since the epoch
 */
export function planOf(
  keys: readonly LegacyKey[],
  stock: readonly NodeStock[],
  records: ReadonlyMap<number, KeyRecord>,
  now: number,
): ImportPlan {
  const active = keys.filter(({ isActive }) => isActive);
  const living = active.filter(({ id }) => {
    const record = records.get(id);
    return record === undefined || isWanted(record, now);
  });
  return {
    keys: keys.length,
    inactive: keys.length - active.length,
    toAdd: active.filter(({ id }) => !records.has(id)).length,
    highestId: keys.at(-1)?.id ?? 0,
    bytes: {
      up: active.reduce((sum, { traffic }) => sum + traffic.up, 0),
      down: active.reduce((sum, { traffic }) => sum + traffic.down, 0),
    },
    nodes: stock.map(({ node, held }) => ({
      name: node.name,
      toReplace: active.filter(({ id }) => (held.get(id)?.former.length ?? 0) > 0).length,
      toAdd: living.filter(({ id }) => !held.has(id)).length,
    })),
    namesToFit: active.filter(({ name }) => fitKeyName(name) !== name).length,
    shortIds: [...new Set(active.flatMap(({ shortId }) => shortId ?? []))],
  };
}

/** A name as the API takes it: without control characters and halves of letters, and shortened where it is too long. */
export function fitKeyName(name: string | null): string | null {
  if (name === null) return null;
  const printable = name.replaceAll(/[\p{Cc}\p{Surrogate}]/gu, "");
  return Array.from(printable).slice(0, LONGEST_KEY_NAME).join("");
}
