import { TimeLimitError } from "../errors.ts";

/**
 * Waits for a promise, but not longer than a time in milliseconds. What it stands for goes on.
 *
 * @throws TimeLimitError when the time is up, or what the promise rejects with
 */
export async function withinTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeLimitError(limitMs)), Math.max(0, limitMs));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
