/**
 * `npm` passes on a signal that the terminal has sent to us already, so one press of Ctrl-C can arrive twice. A second
 * signal counts only when it comes later than this.
 */
const SAME_PRESS_MS = 700;

const LOOK_AT_PARENT_EVERY_MS = 250;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls `onFirst` with the reason at the first request to stop, and `onSecond` at each further one. A terminal that
 * closes while we stop asks for nothing more.
 */
export function onStopSignals(onFirst: (reason: string) => void, onSecond: () => void): void {
  let firstAt: number | undefined;
  const stopOnce = (reason: string) => {
    firstAt ??= performance.now();
    onFirst(reason);
  };
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (firstAt === undefined) stopOnce(signal);
      else if (signal !== "SIGHUP" && performance.now() - firstAt > SAME_PRESS_MS) onSecond();
    });
  }
  onNpmGone(() => {
    if (firstAt === undefined) stopOnce("npm has ended");
  });
}

/** `npm` gives a SIGTERM to the shell between us, which dies of it without passing it on. */
function onNpmGone(react: () => void): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const watching = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watching);
    react();
  }, LOOK_AT_PARENT_EVERY_MS);
  watching.unref();
}
