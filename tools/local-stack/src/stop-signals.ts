/**
 * `npm` passes on a signal that the terminal has sent to us already, so one press of Ctrl-C can arrive twice. A second
 * signal counts only when it comes later than this.
 */
const SAME_PRESS_MS = 700;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls `onFirst` at the first request to stop, and `onSecond` at each further one. A terminal that closes while we
 * stop asks for nothing more.
 */
export function onStopSignals(onFirst: (signal: NodeJS.Signals) => void, onSecond: () => void): void {
  let firstAt: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        onFirst(signal);
      } else if (signal !== "SIGHUP" && Date.now() - firstAt > SAME_PRESS_MS) {
        onSecond();
      }
    });
  }
}
