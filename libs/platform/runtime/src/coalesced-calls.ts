export interface CoalescedCallsOptions {
  /** Most items of one batch. */
  readonly largest: number;
  /**
   * Calls that have waited for so long go out beside the batch that is under way; much longer than a batch takes on a
   * healthy server.
   */
  readonly longestWaitMs: number;
}

interface PendingCall<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Carries out in batches what is asked for one by one (group commit): calls that come while a batch is under way go out
 * together as the next one. Hundreds share one round trip on a busy process; on an idle one nothing waits.
 */
export class CoalescedCalls<Item, Result> {
  readonly #carryOut: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>;
  readonly #largest: number;
  readonly #longestWaitMs: number;
  #waiting: PendingCall<Item, Result>[] = [];
  #underWay = 0;
  #waitLimit: NodeJS.Timeout | undefined;

  /** @param carryOut answers for every item in its place; an Error there rejects that item alone */
  constructor(
    carryOut: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>,
    { largest, longestWaitMs }: CoalescedCallsOptions,
  ) {
    this.#carryOut = carryOut;
    this.#largest = largest;
    this.#longestWaitMs = longestWaitMs;
  }

  /** Carries out one item's call, with others' if others are waiting. @throws what the batch, or this item, failed with */
  ask(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) this.#schedule();
    });
  }

  #schedule(): void {
    // Not at once: calls of the same tick of the event loop join the batch.
    if (this.#underWay === 0) setImmediate(() => this.#sendIfFree());
    this.#limitWait();
  }

  #limitWait(): void {
    this.#waitLimit ??= setTimeout(() => {
      this.#waitLimit = undefined;
      this.#send();
    }, this.#longestWaitMs);
  }

  #sendIfFree(): void {
    if (this.#underWay === 0) this.#send();
  }

  #send(): void {
    const batch = this.#waiting.splice(0, this.#largest);
    clearTimeout(this.#waitLimit);
    this.#waitLimit = undefined;
    if (this.#waiting.length > 0) this.#limitWait();
    if (batch.length > 0) void this.#run(batch);
  }

  async #run(batch: readonly PendingCall<Item, Result>[]): Promise<void> {
    this.#underWay += 1;
    try {
      const results = await this.#carryOut(batch.map(({ item }) => item));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index];
        if (result instanceof Error || result === undefined) reject(result ?? new Error("an item got no answer"));
        else resolve(result);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#underWay -= 1;
      if (this.#waiting.length > 0) setImmediate(() => this.#sendIfFree());
    }
  }
}
