import type { KeyRecord, KeyStore, KeyTerms, KeyVersion } from "../src/index.ts";
import { activeKey } from "./stored-keys.ts";

/** The next version of a key, with other terms. */
export function versionOf(key: KeyRecord, terms: Partial<KeyTerms>, overrides: Partial<KeyVersion> = {}): KeyVersion {
  const { uuid, name, token, changedBy, changedAt, outbox } = key;
  const revision = key.terms.revision + 1;
  const same = { uuid, name, token, changedBy, changedAt, outbox };
  return { fence: 1, ...same, terms: { ...key.terms, revision, ...terms }, ...overrides };
}

/** A key that was changed to have these terms. */
export async function keyWith(
  store: KeyStore,
  terms: Partial<KeyTerms>,
  overrides: Partial<KeyVersion> = {},
): Promise<KeyRecord> {
  const key = await activeKey(store);
  const changed = await store.change(key.keyId, versionOf(key, terms, overrides));
  if (changed === null) throw new Error("the key is not there");
  const { hands: _hands, clear: _clear, ...record } = changed;
  return record;
}
