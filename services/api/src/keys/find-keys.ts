import type { KeyRef } from "@veil/http-contract";
import { type KeyRecord, tryRead } from "@veil/keys";
import pLimit from "p-limit";
import { KeyNotFoundError } from "../errors.ts";
import type { CallerKeys } from "../caller-keys.ts";
import type { VisibleKeys } from "./visible-keys.ts";

export interface FindKeysPorts {
  readonly keys: CallerKeys;
  readonly visibleKeys: Pick<VisibleKeys, "shows">;
}

const UUIDS_AT_ONCE = 16;

/**
 * The id of a key that was named by id or UUID. Says nothing of whether callers may see the key: only that one whose caller
 * sees not all keys is its own. A caller who sees all is spared the look.
 *
 * @throws {KeyNotFoundError} when no key of the caller's has this UUID or id
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function findKeyId(ref: KeyRef, keys: CallerKeys): Promise<number> {
  if (typeof ref === "number" && keys.owner === null) return ref;
  const key = await (typeof ref === "number" ? keys.find(ref) : keys.findByUuid(ref));
  if (key === null) throw new KeyNotFoundError(ref);
  return key.keyId;
}

/**
 * The keys that are there, or that one of these delete jobs deletes already; null for all others, and for repetitions. Of one whose
 * record makes no sense nothing is known.
 *
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function findKeysToDelete(
  refs: readonly KeyRef[],
  items: readonly string[],
  ports: FindKeysPorts,
): Promise<(KeyRecord | "unreadable" | null)[]> {
  const keys = await lookUp(refs, ports.keys);
  const own = new Set<string | null>(items);
  const seen = new Set<number>();
  return keys.map((key) => {
    if (key === "unreadable") return key;
    const counts = key !== null && (ports.visibleKeys.shows(key) || own.has(key.deleter));
    if (!counts || seen.has(key.keyId)) return null;
    seen.add(key.keyId);
    return key;
  });
}

async function lookUp(
  refs: readonly KeyRef[],
  keys: FindKeysPorts["keys"],
): Promise<(KeyRecord | "unreadable" | null)[]> {
  const limit = pLimit(UUIDS_AT_ONCE);
  const byId = await findEach(
    refs.filter((ref) => typeof ref === "number"),
    keys,
  );
  const find = async (ref: KeyRef) =>
    typeof ref === "number" ? (byId.get(ref) ?? null) : limit(() => tryRead(() => keys.findByUuid(ref)));
  return Promise.all(refs.map(find));
}

/** Keys by their ids, and those whose records make no sense. */
export type FoundKeys = ReadonlyMap<number, KeyRecord | "unreadable">;

/** One by one where one of them makes no sense, which says nothing of the others. */
export async function findEach(keyIds: readonly number[], keys: CallerKeys): Promise<FoundKeys> {
  const together = await tryRead(() => findByIds(keyIds, keys));
  if (together !== "unreadable") return together;
  const each = await Promise.all(keyIds.map(async (keyId) => [keyId, await tryRead(() => keys.find(keyId))] as const));
  return new Map(each.flatMap(([keyId, key]) => (key === null ? [] : [[keyId, key]])));
}

/** One key is read by `find`: such reads of several requests travel together. */
async function findByIds(keyIds: readonly number[], keys: CallerKeys): Promise<ReadonlyMap<number, KeyRecord>> {
  const [keyId, ...others] = keyIds;
  if (keyId === undefined) return new Map();
  if (others.length > 0) return keys.findMany(keyIds);
  const key = await keys.find(keyId);
  return new Map(key === null ? [] : [[keyId, key]]);
}
