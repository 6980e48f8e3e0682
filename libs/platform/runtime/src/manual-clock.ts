import type { Clock } from "./clock.ts";

interface Sleeper {
  /** By the monotonic clock. */
  readonly wakesAt: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #monotonic = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #watchers = new Set<() => void>();

  /** @param now Unix time in milliseconds at which the clock stands first. */
  constructor(now = 0) {
    this.#now = now;
  }

  /** How many sleeps have not ended. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Sets the time of day, as an operator or NTP does. No time passes: nobody wakes. */
  step(ms: number): void {
    this.#now += ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { wakesAt: this.#monotonic + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
      for (const watcher of this.#watchers) watcher();
      this.#watchers.clear();
    });
  }

  /**
   * Lets running code get to its next sleep, then moves the time on and wakes, in order, everybody whose time has
   * come, also those who go back to sleep within it. Resolves when the woken code has run up to its next wait.
   */
  async advance(ms: number): Promise<void> {
    await runPending();
    const until = this.#monotonic + ms;
    for (let next = this.#nextBefore(until); next !== undefined; next = this.#nextBefore(until)) {
      this.#passTo(next.wakesAt);
      next.wake();
      await runPending();
    }
    this.#passTo(until);
    await runPending();
  }

  #passTo(moment: number): void {
    this.#now += moment - this.#monotonic;
    this.#monotonic = moment;
  }

  /** Resolves as soon as somebody sleeps. */
  untilSleeping(): Promise<void> {
    if (this.#sleepers.size > 0) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.add(resolve));
  }

  #nextBefore(until: number): Sleeper | undefined {
    return [...this.#sleepers]
      .filter((sleeper) => sleeper.wakesAt <= until)
      .toSorted((a, b) => a.wakesAt - b.wakesAt)[0];
  }
}

/** Lets every promise that is already decided run its reactions. */
function runPending(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
