import { isVisible, type KeyReader } from "@veil/key-lifecycle";

/** Which keys are active. */
export interface ActiveKeys {
  count(): Promise<number>;
  /** Those of the keys that are active. */
  among(keyIds: readonly number[]): Promise<Set<number>>;
}

/** More keys than this are found sooner by reading all of them. */
const WORTH_A_SCAN = 200;

/** The active keys in MongoDB. Both methods throw StoreUnavailableError while it is away. */
export class StoredActiveKeys implements ActiveKeys {
  readonly #keys: Pick<KeyReader, "find" | "listActiveIds" | "countActive">;

  constructor(keys: Pick<KeyReader, "find" | "listActiveIds" | "countActive">) {
    this.#keys = keys;
  }

  count(): Promise<number> {
    return this.#keys.countActive();
  }

  async among(keyIds: readonly number[]): Promise<Set<number>> {
    return keyIds.length > WORTH_A_SCAN ? this.#byReadingAll(keyIds) : this.#oneByOne(keyIds);
  }

  async #oneByOne(keyIds: readonly number[]): Promise<Set<number>> {
    const keys = await Promise.all(keyIds.map((keyId) => this.#keys.find(keyId)));
    return new Set(keys.flatMap((key) => (key !== null && isVisible(key) ? [key.keyId] : [])));
  }

  async #byReadingAll(keyIds: readonly number[]): Promise<Set<number>> {
    const wanted = new Set(keyIds);
    const active = new Set<number>();
    for await (const group of this.#keys.listActiveIds()) {
      for (const { keyId } of group) if (wanted.has(keyId)) active.add(keyId);
    }
    return active;
  }
}
