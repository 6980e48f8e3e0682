import type { Redis } from "@veil/redis";
import { RedisLease } from "./redis-lease.ts";

export interface ExclusiveTask {
  readonly redis: Redis;
  readonly prefix: string;
  /** What only one process at a time may do, for example `reconcile:main`. */
  readonly subject: string;
  /** How long the task may take before another process takes over; it is prolonged while the task runs. */
  readonly leaseMs: number;
}

/**
 * Runs the task unless another process is at it.
 *
 * For work that is merely wasteful when done twice: a paused holder may overlap with its successor.
 *
 * @returns the task's result, or null when another process is at it @throws what the task throws, or when Redis is away
 */
export async function runExclusively<T>(
  { redis, prefix, subject, leaseMs }: ExclusiveTask,
  task: () => Promise<T>,
): Promise<{ readonly result: T } | null> {
  const lease = new RedisLease(redis, `${prefix}:lease:${subject}`, leaseMs);
  if ((await lease.acquire()) === null) return null;
  const prolong = setInterval(() => void lease.acquire().catch(() => undefined), leaseMs / 3);
  try {
    return { result: await task() };
  } finally {
    clearInterval(prolong);
    await lease.release().catch(() => undefined);
  }
}
