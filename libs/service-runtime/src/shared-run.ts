/**
 * Runs a task so that callers share it: one run at a time, and everybody who asks during a run waits for the next one,
 * which begins after they asked. However many ask, at most two runs are on their minds.
 */
export class SharedRun {
  readonly #task: () => Promise<void>;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  /** @param task Must not reject. */
  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Resolves when a run that began after this call has ended. */
  run(): Promise<void> {
    this.#next ??= this.#runAfter(this.#running);
    return this.#next;
  }

  /** Resolves when nothing runs or waits to. */
  async idle(): Promise<void> {
    while (this.#next !== null) await this.#next;
    await this.#running;
  }

  async #runAfter(previous: Promise<void>): Promise<void> {
    await previous;
    this.#next = null;
    this.#running = this.#task();
    await this.#running;
  }
}
