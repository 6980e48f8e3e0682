/**
 * Runs a task so that callers share it: one run at a time, and everybody who asks during a run waits for the next one,
 * which begins after they asked. However many callers
 * there are, at most one run is active and one is queued.
 */
export class SharedRun<T> {
  readonly #task: () => Promise<T>;
  /** Without what the run resolves to: nobody who asked for that long ago keeps it in memory. */
  #running: Promise<void> = Promise.resolve();
  #next: Promise<T> | null = null;

  constructor(task: () => Promise<T>) {
    this.#task = task;
  }

  /** Ends as a run does that begins after this call. */
  run(): Promise<T> {
    this.#next ??= this.#runAfter(this.#running);
    return this.#next;
  }

  /** Resolves when nothing runs or waits to. */
  async idle(): Promise<void> {
    while (this.#next !== null) await ended(this.#next);
    await this.#running;
  }

  async #runAfter(previous: Promise<void>): Promise<T> {
    await previous;
    this.#next = null;
    const run = this.#task();
    this.#running = ended(run);
    return run;
  }
}

/** Well or badly: whoever asked for it learns that from the promise. */
async function ended(run: Promise<unknown>): Promise<void> {
  await run.catch(() => undefined);
}
