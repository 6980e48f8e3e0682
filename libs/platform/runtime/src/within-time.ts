import { type Clock, systemClock } from "./clock.ts";

/**
 * Waits for something, but not longer than a time in milliseconds. The work itself goes on.
 *
 * @throws {TimeLimitError} when the time is up, or what the promise rejects with
 */
export async function withinTime<T>(
  work: Promise<T>,
  limitMs: number,
  clock: Pick<Clock, "sleep"> = systemClock,
): Promise<T> {
  const ended = new AbortController();
  const limit = clock.sleep(Math.max(0, limitMs), ended.signal).then(() => {
    if (ended.signal.aborted) return work;
    throw new TimeLimitError(limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    ended.abort(OVER);
  }
}

/** A reason of one's own: without one, every call that is in time would make an exception with a stack. */
const OVER = "over";

/** Thrown when something took longer than it was waited for; it may still happen. */
export class TimeLimitError extends Error {
  override readonly name = "TimeLimitError";

  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`);
  }
}
