/** One thing of a simulated process that waits to be let go on. */
interface Waiting {
  readonly owner: object;
  readonly go: () => void;
}

/** Lets one simulated process at a time take one step; which one is the caller's choice. */
export class Scheduler {
  #waiting: Waiting[] = [];
  #working = 0;
  readonly #paused = new Set<object>();

  /** Resolves when this owner is let go on; never when the owner has crashed before. */
  untilScheduled(owner: object): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ owner, go });
    });
  }

  /** Does work that belongs to the current step. */
  async work<T>(work: () => Promise<T>): Promise<T> {
    this.#working += 1;
    try {
      return await work();
    } finally {
      this.#working -= 1;
    }
  }

  /** Lets one of those that wait go on, and ends when everybody waits again. */
  async step(choice: number): Promise<void> {
    const ready = this.#waiting.filter(({ owner }) => !this.#paused.has(owner));
    const chosen = ready[choice % ready.length];
    if (chosen === undefined) return;
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1);
    chosen.go();
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#working > 0);
  }

  togglePause(owner: object): void {
    if (!this.#paused.delete(owner)) this.#paused.add(owner);
  }

  endPauses(): void {
    this.#paused.clear();
  }

  /** Drops all waits of a crashed owner: they never end. */
  drop(owner: object): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.owner !== owner);
  }
}
