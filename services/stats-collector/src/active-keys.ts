import type { Clock, KeyFilter, KeyReader, Viewer } from "@veil/keys";

/** The active keys among those that a viewer sees. */
export interface ActiveKeys {
  count(viewer: Viewer): Promise<number>;
  /** Those of the keys that are active. */
  among(keyIds: readonly number[], viewer: Viewer): Promise<Set<number>>;
}

/** The active keys in MongoDB. Both methods throw StoreUnavailableError while it is away. */
export class StoredActiveKeys implements ActiveKeys {
  readonly #keys: Pick<KeyReader, "activeAmong" | "countActive">;

  readonly #clock: Pick<Clock, "now">;

  constructor(keys: Pick<KeyReader, "activeAmong" | "countActive">, clock: Pick<Clock, "now">) {
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
}
