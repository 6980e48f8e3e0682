import { type Bytes, minus, noBytes, plus, type Range } from "./range.ts";

/**
 * The total that one entity must have, derived from Xray's own counters as they stand when nothing moves.
 *
 * Of a life of the process that is over, what was read by its last completed sync is surely in the total, and nothing
 * beyond its last value is. Of the running life, all is.
 */
export class CounterTruth {
  #ended: Range = { low: noBytes, high: noBytes };
  /** Of the running life: where its counter stood at the last reset, and at the last completed sync. */
  #offset = noBytes;
  #synced = noBytes;

  /** The total after a sync, with the counter of the running life at this value. */
  range(current: Bytes): Range {
    const running = minus(current, this.#offset);
    return { low: plus(this.#ended.low, running), high: plus(this.#ended.high, running) };
  }

  /** A sync that began with the counter at this value was answered. */
  synced(current: Bytes): void {
    this.#synced = current;
  }

  /** The process was killed with the counter at this value. */
  lifeEnded(last: Bytes): void {
    this.#ended = {
      low: plus(this.#ended.low, minus(this.#synced, this.#offset)),
      high: plus(this.#ended.high, minus(last, this.#offset)),
    };
    this.#offset = noBytes;
    this.#synced = noBytes;
  }

  /** The total was set to zero with the counter at this value. */
  reset(current: Bytes): void {
    this.#ended = { low: noBytes, high: noBytes };
    this.#offset = current;
    this.#synced = current;
  }
}
