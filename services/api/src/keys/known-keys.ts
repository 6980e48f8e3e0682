import { type ChangePosition, type ChangeReader, type KeyFilter, SEES_ALL } from "@veil/keys";
import { type Clock, SharedRun } from "@veil/runtime";
import type { KeyReader } from "../ports.ts";

export interface KnownKeysOptions {
  readonly keys: Pick<KeyReader, "countActive" | "listActiveIds" | "activeAmong">;
  /** Whether the store reads all keys to count them. @throws {StoreUnavailableError} */
  readonly readsAllToCount: () => Promise<boolean>;
  readonly changes: ChangeReader;
  readonly clock: Pick<Clock, "monotonic">;
}

/** As of one position among the changes. */
interface Known {
  readonly ids: ReadonlySet<number>;
  readonly position: ChangePosition;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** Keys whose write nobody noted are found after so long. */
const READ_EVERY_MS = 10 * 60_000;
/** More keys than these are not worth being read one by one. */
const MOST_CHANGED = 300;

/**
 * How many keys there are, for a store that reads all of them to say so: which ones are active is kept in memory, and brought up
 * to date by a look at those that were written since. What was acknowledged before a count is in it. Those who ask meanwhile share
 * the next look, so that all keys are read by one at a time. While Redis is away it is the store that counts.
 */
export class KnownKeys implements Pick<KeyReader, "countActive"> {
  readonly #options: KnownKeysOptions;
  #known: Known | null = null;
  readonly #looks = new SharedRun(() => this.#look());

  constructor(options: KnownKeysOptions) {
    this.#options = options;
  }

  /** @throws {StoreUnavailableError} while the store is unavailable */
  async countActive(filter?: KeyFilter): Promise<number> {
    const { keys, readsAllToCount } = this.#options;
    if (filter !== undefined || !(await readsAllToCount())) return keys.countActive(filter);
    return (await this.#looks.run()) ?? keys.countActive();
  }

  /** Null while Redis is away. */
  async #look(): Promise<number | null> {
    this.#known = (await this.#broughtUpToDate()) ?? (await this.#readAll());
    return this.#known?.ids.size ?? null;
  }

  /** Null when too much, or nobody knows what, was written since. */
  async #broughtUpToDate(): Promise<Known | null> {
    const { keys, changes, clock } = this.#options;
    const known = this.#known;
    if (known === null || clock.monotonic() - known.at >= READ_EVERY_MS) return null;
    const noted = await changes.since(known.position, MOST_CHANGED).catch(() => null);
    if (noted === null || noted.keyIds === null) return null;
    const { position, keyIds } = noted;
    if (keyIds.length === 0) return { ...known, position };
    const active = await keys.activeAmong(keyIds, SEES_ALL);
    const ids = new Set(known.ids);
    for (const keyId of keyIds) {
      if (active.has(keyId)) ids.add(keyId);
      else ids.delete(keyId);
    }
    return { ...known, ids, position };
  }

  async #readAll(): Promise<Known | null> {
    const { keys, changes, clock } = this.#options;
    const at = clock.monotonic();
    const position = await changes.position().catch(() => null);
    if (position === null) return null;
    const ids = new Set<number>();
    for await (const group of keys.listActiveIds()) for (const { keyId } of group) ids.add(keyId);
    return { ids, position, at };
  }
}
