import type { Clock } from "@veil/runtime";

/** Between two jobs that do not yield though their kind does. */
const EXEMPT_EVERY_MS = 1_000;

/**
 * Exempts one job of each kind in a second from letting others go first, as its kind does. Workers that never run out of single writes would
 * otherwise never come to a batch; and a batch now and then, with no others around it, waits no longer than anything else.
 */
export class YieldExemptions {
  readonly #clock: Pick<Clock, "now">;
  readonly #lastAt = new Map<string, number>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** @returns whether the next job of a kind is exempt */
  take(kind: string): boolean {
    const now = this.#clock.now();
    const sinceLast = now - (this.#lastAt.get(kind) ?? Number.NEGATIVE_INFINITY);
    // A clock that was set back says nothing of how long that is.
    if (sinceLast >= 0 && sinceLast < EXEMPT_EVERY_MS) return false;
    this.#lastAt.set(kind, now);
    return true;
  }
}
