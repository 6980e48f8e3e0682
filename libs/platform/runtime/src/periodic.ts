import { type Clock, systemClock } from "./clock.ts";
import { coerceError } from "./coerce-error.ts";
import type { Stoppable } from "./service-parts.ts";

export interface PeriodicOptions {
  /** Milliseconds between the end of one run and the start of the next. */
  readonly everyMs: number;
  /** One run. Its signal is aborted when the loop is to stop; the loop then waits for it all the same. */
  readonly task: (signal: AbortSignal) => Promise<unknown>;
  /** Called for every run that failed; the loop goes on. Must not throw: then the loop ends and `stopped` rejects. */
  readonly onError: (error: Error) => void;
  /** Called with the result of every run that did not fail. Must not throw. */
  readonly onSuccess?: (result: unknown) => void;
  /** Stops the loop. */
  readonly signal?: AbortSignal;
  /** 0–1: each pause is longer or shorter by up to this part of it, so that replicas do not march in step. Default 0. */
  readonly jitter?: number;
  /** Whether the first run starts at once or after the first pause. Default "now". */
  readonly firstRun?: "now" | "later";
  readonly clock?: Clock;
}

export interface PeriodicTask {
  /**
   * Asks for a run without waiting for the pause to end. Resolves when a run that began after the call has ended,
   * well or badly, or when the loop has stopped; never rejects. Calls that wait for the same run share it.
   */
  trigger(): Promise<void>;
  /** Tells the loop to stop and waits for the run in progress. */
  stop(): Promise<void>;
  /** Resolves when the loop has stopped and nothing of it runs any more. */
  readonly stopped: Promise<void>;
}

/** Runs a task again and again, one run at a time, until it is stopped. */
export function runPeriodically(options: PeriodicOptions): PeriodicTask {
  const loop = new PeriodicLoop(options);
  return { trigger: () => loop.trigger(), stop: () => loop.stop(), stopped: loop.stopped };
}

class PeriodicLoop {
  readonly stopped: Promise<void>;
  readonly #options: PeriodicOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  /** Cuts the pause after the run in progress short; every run gets a new one. */
  #pause = new AbortController();
  #waiting: (() => void)[] = [];

  constructor(options: PeriodicOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    if (options.signal?.aborted === true) this.#halt();
    options.signal?.addEventListener("abort", this.#halt, { once: true });
    this.stopped = Promise.resolve().then(() => this.#loop());
  }

  trigger(): Promise<void> {
    if (this.#stop.signal.aborted) return this.stopped.catch(() => undefined);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#pause.abort();
    });
  }

  stop(): Promise<void> {
    this.#halt();
    return this.stopped;
  }

  readonly #halt = (): void => {
    this.#stop.abort();
    this.#pause.abort();
  };

  async #loop(): Promise<void> {
    try {
      if (this.#options.firstRun === "later") await this.#sleep();
      while (!this.#stop.signal.aborted) {
        await this.#runOnce();
        await this.#sleep();
      }
    } finally {
      this.#halt();
      this.#options.signal?.removeEventListener("abort", this.#halt);
      for (const resolve of this.#waiting) resolve();
    }
  }

  async #runOnce(): Promise<void> {
    const answered = this.#waiting;
    this.#waiting = [];
    this.#pause = new AbortController();
    try {
      const result = await this.#options.task(this.#stop.signal);
      this.#options.onSuccess?.(result);
    } catch (thrown) {
      this.#options.onError(coerceError(thrown));
    } finally {
      for (const resolve of answered) resolve();
    }
  }

  async #sleep(): Promise<void> {
    const { everyMs, jitter = 0 } = this.#options;
    const pauseMs = everyMs * (1 + jitter * (2 * Math.random() - 1));
    await this.#clock.sleep(pauseMs, this.#pause.signal);
  }
}

/** Runs a task again and again until the service stops. @param name for the log of the stop */
export function runLoop(running: Stoppable, name: string, options: Omit<PeriodicOptions, "signal">): PeriodicTask {
  const loop = runPeriodically(options);
  running.onStop("loops", name, () => loop.stop());
  return loop;
}
