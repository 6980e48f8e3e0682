/**
 * Runs a task so that callers share it: one run at a time, and everybody who asks during a run waits for the next one,
 * which begins after they asked. However many callers
 * there are, at most one run is active and one is queued.
 */
export class SharedRun<T> {
  readonly #task: () => Promise<T>;
  #running: Promise<unknown> = Promise.resolve();
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
    await ended(this.#running);
  }

  async #runAfter(previous: Promise<unknown>): Promise<T> {
    await ended(previous);
    this.#next = null;
    const run = this.#task();
    this.#running = run;
    return run;
  }
}

/** Well or badly: whoever asked for it learns that from the promise. */
async function ended(run: Promise<unknown>): Promise<void> {
  await run.catch(() => undefined);
}
