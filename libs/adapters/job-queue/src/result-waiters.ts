import { GrowingLru } from "@veil/runtime";

/** How a job ended, as it stands in the event stream: its result is not decoded yet. */
export type JobEnding =
  | { readonly state: "completed"; readonly returnvalue: unknown }
  | { readonly state: "failed"; readonly reason: string };

interface Waiter {
  readonly ending: Promise<JobEnding>;
  readonly resolve: (ending: JobEnding) => void;
}

/** A job nobody awaits is forgotten after it; one that is awaited, so long after the wait. */
const FORGET_AFTER_MS = 60_000;
/** Far above the requests one replica has under way. */
const MOST_WAITERS = 100_000;

/**
 * Joins the events of one stream to the requests that wait for them.
 *
 * One listener serves all waits (BullMQ's `waitUntilFinished` adds one per job), and because a waiter is there
 * before its job is added, no ending is missed and Redis need not be asked for it.
 */
export class ResultWaiters {
  readonly #waiters = new GrowingLru<string, Waiter>(MOST_WAITERS, { ttl: FORGET_AFTER_MS, perf: performance });

  /** Begins to listen for a job's end; `new` when nobody did so far. */
  expect(jobId: string): "new" | "known" {
    if (this.#waiters.has(jobId)) return "known";
    const { promise, resolve } = withResolvers<JobEnding>();
    this.#waiters.set(jobId, { ending: promise, resolve });
    return "new";
  }

  resolve(jobId: string, ending: JobEnding): void {
    this.#waiters.get(jobId)?.resolve(ending);
  }

  /** The job's end, or null when the time is up. */
  async wait(jobId: string, timeoutMs: number): Promise<JobEnding | null> {
    const waiter = this.#waiters.get(jobId);
    if (waiter === undefined) return null;
    const least = Math.max(0, timeoutMs) + FORGET_AFTER_MS;
    if (this.#waiters.getRemainingTTL(jobId) < least) this.#waiters.set(jobId, waiter, { ttl: least });
    const timeout = withResolvers<null>();
    const timer = setTimeout(() => timeout.resolve(null), Math.max(0, timeoutMs));
    try {
      const ending = await Promise.race([waiter.ending, timeout.promise]);
      if (ending !== null) this.#waiters.delete(jobId);
      return ending;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((fulfill) => {
    resolve = fulfill;
  });
  return { promise, resolve };
}
