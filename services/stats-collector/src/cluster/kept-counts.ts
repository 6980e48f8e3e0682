import type { ChangePosition, ChangeReader } from "@veil/keys";
import type { Clock } from "@veil/runtime";
import type { KeyCounts } from "./cluster-figures.ts";

export interface KeptCountsOptions {
  readonly count: () => Promise<KeyCounts>;
  readonly changes: ChangeReader;
  readonly clock: Pick<Clock, "monotonic">;
}

/** Keys that nobody noted are counted after so long. */
const COUNT_EVERY_MS = 10 * 60_000;

/** Counts keys only when some were written since they were last counted: counting makes some databases read all of them. */
export class KeptCounts {
  readonly #options: KeptCountsOptions;
  #kept: { readonly counts: KeyCounts; readonly at: number; readonly position: ChangePosition } | null = null;

  constructor(options: KeptCountsOptions) {
    this.#options = options;
  }

  /** @throws {StoreUnavailableError} when they have to be counted and can't be */
  async count(): Promise<KeyCounts> {
    const { count, changes, clock } = this.#options;
    if (this.#kept !== null && (await this.#stillHolds())) return this.#kept.counts;
    const at = clock.monotonic();
    const position = await changes.position().catch(() => null);
    const counts = await count();
    this.#kept = position === null ? null : { counts, at, position };
    return counts;
  }

  async #stillHolds(): Promise<boolean> {
    if (this.#kept === null) return false;
    const { at, position } = this.#kept;
    const age = this.#options.clock.monotonic() - at;
    if (age >= COUNT_EVERY_MS) return false;
    const noted = await this.#options.changes.since(position, 0).catch(() => null);
    return noted !== null && noted.keyIds !== null;
  }
}
