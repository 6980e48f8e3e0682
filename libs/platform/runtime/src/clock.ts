/** Time as a port: whatever waits or stamps takes one, so that its tests decide what time it is. */
export interface Clock {
  /** Unix time in whole milliseconds. It may step: for moments that others, or another run, are to know. */
  now(): number;

  /** Milliseconds since some moment, by a clock that is never set: for durations within this process. */
  monotonic(): number;

  /**
   * Waits. Resolves early, and never rejects, when `signal` is aborted.
   * @param ms 0 or more, at most 2,147,483,647 (the limit of a timer in Node).
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),

  monotonic: () => performance.now(),

  sleep(ms, signal) {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener("abort", wake, { once: true });
    });
  },
};
