import type { Clock } from "@veil/runtime";

/** Between two jobs that do not yield though their kind does. */
const EXEMPT_EVERY_MS = 1_000;

/**
 * Exempts one job in a second from letting others go first, as its kind does. Workers that never run out of single writes would
 * otherwise never come to a batch; and a batch now and then, with no others around it, waits no longer than anything else.
 */
export class YieldExemptions {
  readonly #clock: Pick<Clock, "now">;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** @returns whether the next job is exempt */
  take(): boolean {
    const now = this.#clock.now();
    const sinceLast = now - this.#lastAt;
    // A clock that was set back says nothing of how long that is.
    if (sinceLast >= 0 && sinceLast < EXEMPT_EVERY_MS) return false;
    this.#lastAt = now;
    return true;
  }
}
