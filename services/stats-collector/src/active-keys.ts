import type { Clock, KeyFilter, KeyReader, Viewer } from "@veil/keys";

/** The active keys among those that a viewer sees. */
export interface ActiveKeys {
  count(viewer: Viewer): Promise<number>;
  /** Those of the keys that are active. */
  among(keyIds: readonly number[], viewer: Viewer): Promise<Set<number>>;
  /** Those of the keys that are not deleted: their bytes count, also while a key's record makes no sense. */
  kept(keyIds: readonly number[]): Promise<Set<number>>;
}

/** The active keys in MongoDB. Every method throws StoreUnavailableError while it is away. */
export class StoredActiveKeys implements ActiveKeys {
  readonly #keys: Pick<KeyReader, "activeAmong" | "countActive" | "keptAmong">;

  readonly #clock: Pick<Clock, "now">;

  constructor(keys: Pick<KeyReader, "activeAmong" | "countActive" | "keptAmong">, clock: Pick<Clock, "now">) {
    this.#keys = keys;
    this.#clock = clock;
  }

  count({ owner }: Viewer): Promise<number> {
    const filter: KeyFilter | undefined = owner === null ? undefined : { owner, at: this.#clock.now() };
    return this.#keys.countActive(filter);
  }

  among(keyIds: readonly number[], viewer: Viewer): Promise<Set<number>> {
    return this.#keys.activeAmong(keyIds, viewer);
  }

  kept(keyIds: readonly number[]): Promise<Set<number>> {
    return this.#keys.keptAmong(keyIds);
  }
}
