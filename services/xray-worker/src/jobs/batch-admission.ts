/**
 * Lets batches begin one after the other, each as a whole, as long as few items of those before are under way. A batch alone is
 * done as fast as it can be; of hundreds that wait no more weigh on the store than of one.
 */
export class BatchAdmission {
  readonly #fewItems: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  /** @param fewItems a batch begins when fewer than so many items are under way */
  constructor(fewItems: number) {
    this.#fewItems = fewItems;
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
    while (this.#underWay < this.#fewItems) {
      const admit = this.#waiting.shift();
      if (admit === undefined) return;
      admit();
    }
  }
}
