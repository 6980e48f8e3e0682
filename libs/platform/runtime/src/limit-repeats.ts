import { type Clock, systemClock } from "./clock.ts";

const SAY_AGAIN_AFTER_MS = 60_000;
const MOST_REMEMBERED = 100;

/**
 * Passes an error on unless one with the same text was passed on in the last minute: a client that fails again and again
 * for the same reason need not say so every second.
 */
export function limitRepeats(
  onError: (error: Error) => void,
  clock: Pick<Clock, "monotonic"> = systemClock,
): (error: Error) => void {
  const saidAt = new Map<string, number>();
  return (error) => {
    const now = clock.monotonic();
    const before = saidAt.get(error.message);
    if (before !== undefined && now - before < SAY_AGAIN_AFTER_MS) return;
    if (saidAt.size >= MOST_REMEMBERED) saidAt.clear();
    saidAt.set(error.message, now);
    onError(error);
  };
}
