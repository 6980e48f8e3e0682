import type { Clock } from "@veil/service-runtime";

/**
 * Waits for something at most so long. What is waited for goes on.
 *
 * @throws TimeLimitError
 */
export async function withinTime<T>(task: Promise<T>, limitMs: number, clock: Pick<Clock, "sleep">): Promise<T> {
  const ended = new AbortController();
  const limit = clock.sleep(Math.max(0, limitMs), ended.signal).then(() => {
    throw new TimeLimitError(limitMs);
  });
  try {
    return await Promise.race([task, limit]);
  } finally {
    limit.catch(() => undefined);
    ended.abort();
  }
}

/** Thrown when something took longer than it was waited for. */
export class TimeLimitError extends Error {
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`);
    this.name = "TimeLimitError";
    this.limitMs = limitMs;
  }
}
