import type { Clock } from "@veil/keys";

/** Time by the timers of the process, which a test may have replaced. */
export const timerClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
