import type { Clock } from "@veil/runtime";

/** Between two jobs that wait in turn though they are of a kind that yields. */
const TURN_EVERY_MS = 1_000;

/**
 * Has one job in a second go in turn though its kind lets others go first. Workers that never run out of single writes would
 * otherwise never come to a batch; and a batch now and then, with no others around it, waits no longer than anything else.
 */
export class BulkTurns {
  readonly #clock: Pick<Clock, "now">;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** @returns whether the next job goes in turn */
  take(): boolean {
    const now = this.#clock.now();
    const sinceLast = now - this.#lastAt;
    // A clock that was set back says nothing of how long that is.
    if (sinceLast >= 0 && sinceLast < TURN_EVERY_MS) return false;
    this.#lastAt = now;
    return true;
  }
}
