import type { Clock } from "@veil/runtime";

/** A single write so long ago does not mean that the next one is near. */
const SINGLES_ARE_OVER_MS = 5_000;

export interface BatchAdmissionOptions {
  /** A batch begins when fewer than so many items are under way while single writes come. */
  readonly besideSingles: number;
  /** While none come: the more a store is asked for at once, the less each costs. */
  readonly alone: number;
  readonly clock: Pick<Clock, "monotonic">;
}

/**
 * Lets batches begin one after the other, each as a whole, when few items of those before are under way. One alone is done as fast
 * as it can be, and hundreds that wait don't weigh on the store: fewer still are under way while single writes come.
 */
export class BatchAdmission {
  readonly #options: BatchAdmissionOptions;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #lastSingleAt = Number.NEGATIVE_INFINITY;

  constructor(options: BatchAdmissionOptions) {
    this.#options = options;
  }

  /** To be called for each write of a single key. */
  noteSingle(): void {
    this.#lastSingleAt = this.#options.clock.monotonic();
  }

  /** Begins all items of a batch at once, when it is admitted. @returns how each ended, when all have */
  async runAll<R>(items: readonly (() => Promise<R>)[]): Promise<PromiseSettledResult<R>[]> {
    await new Promise<void>((admit) => {
      this.#waiting.push(() => {
        this.#underWay += items.length;
        admit();
      });
      this.#admitNext();
    });
    return Promise.allSettled(items.map((run) => run().finally(() => this.#ended())));
  }

  #ended(): void {
    this.#underWay -= 1;
    this.#admitNext();
  }

  #admitNext(): void {
    const { besideSingles, alone, clock } = this.#options;
    const few = clock.monotonic() - this.#lastSingleAt < SINGLES_ARE_OVER_MS ? besideSingles : alone;
    while (this.#underWay < few) {
      const admit = this.#waiting.shift();
      if (admit === undefined) return;
      admit();
    }
  }
}
