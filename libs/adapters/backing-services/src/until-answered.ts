import type { Clock } from "@veil/runtime";

const ASK_AGAIN_AFTER_MS = 100;

/**
 * Asks until there is an answer, for a while. At a start everything comes up at once, and a loop whose first round fails
 * waits a whole interval for its second.
 *
 * @returns false when there was none in time; whoever needs it must do without for now
 */
export async function untilAnswered(
  ask: () => Promise<unknown>,
  options: { readonly limitMs: number; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<boolean> {
  const { limitMs, clock, signal } = options;
  const end = clock.monotonic() + limitMs;
  while (!signal.aborted && clock.monotonic() < end) {
    try {
      await ask();
      return true;
    } catch {
      await clock.sleep(ASK_AGAIN_AFTER_MS, signal);
    }
  }
  return false;
}
