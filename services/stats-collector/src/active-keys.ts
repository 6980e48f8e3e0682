import type { KeyReader } from "@veil/keys";

/** Which keys are active. */
export interface ActiveKeys {
  count(): Promise<number>;
  /** Those of the keys that are active. */
  among(keyIds: readonly number[]): Promise<Set<number>>;
}

/** The active keys in MongoDB. Both methods throw StoreUnavailableError while it is away. */
export class StoredActiveKeys implements ActiveKeys {
  readonly #keys: Pick<KeyReader, "activeAmong" | "countActive">;

  constructor(keys: Pick<KeyReader, "activeAmong" | "countActive">) {
    this.#keys = keys;
  }

  count(): Promise<number> {
    return this.#keys.countActive();
  }

  among(keyIds: readonly number[]): Promise<Set<number>> {
    return this.#keys.activeAmong(keyIds);
  }
}
