import type { Redis } from "@veil/redis";
import { type Clock, systemClock } from "@veil/runtime";
import { leaseKey, RedisLease } from "./redis-lease.ts";

const ASK_AGAIN_MS = 25;

export interface ExclusiveTask {
  readonly redis: Redis;
  readonly prefix: string;
  /**
   * The task that only one process at a time may do, for example `sweep`. Each name stands in one place; shared ones in
   * `shared-tasks.ts`.
   */
  readonly subject: string;
  /** How long the task may take before another process takes over; it is prolonged while the task runs. */
  readonly leaseMs: number;
}

/**
 * Runs the task unless another process is at it.
 *
 * For work that is merely wasteful when done twice: a paused holder may overlap with its successor.
 *
 * @returns the task's result, or null when another process is at it
 * @throws what the task throws, or when Redis is away
 */
export async function runExclusively<T>(
  { redis, prefix, subject, leaseMs }: ExclusiveTask,
  task: () => Promise<T>,
): Promise<{ readonly result: T } | null> {
  const lease = new RedisLease(redis, leaseKey(prefix, subject), leaseMs);
  if ((await lease.acquire()) === null) return null;
  const prolong = setInterval(() => void lease.acquire().catch(() => undefined), leaseMs / 3);
  try {
    return { result: await task() };
  } finally {
    clearInterval(prolong);
    await lease.release().catch(() => undefined);
  }
}

/**
 * Runs the task as soon as no other process is at it, with what {@link runExclusively} says of overlaps.
 *
 * @param waitMs how long it waits for others at most; one attempt is made in any case
 * @returns the task's result, or null when another process is still at it after that time
 * @throws what the task throws, or when Redis is away
 */
export async function waitExclusively<T>(
  exclusive: ExclusiveTask,
  task: () => Promise<T>,
  { waitMs, clock = systemClock }: { readonly waitMs: number; readonly clock?: Pick<Clock, "monotonic" | "sleep"> },
): Promise<{ readonly result: T } | null> {
  const giveUpAt = clock.monotonic() + waitMs;
  while (true) {
    const done = await runExclusively(exclusive, task);
    if (done !== null || clock.monotonic() > giveUpAt) return done;
    await clock.sleep(ASK_AGAIN_MS);
  }
}
