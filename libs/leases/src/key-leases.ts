import { setTimeout as sleep } from "node:timers/promises";
import { type HeldLease, type KeyLease, LeaseHeldError } from "@veil/key-lifecycle";
import type { Redis } from "@veil/redis-connection";
import { RedisLease } from "./redis-lease.ts";

/** Longer than any one change of a key: every call in it has a deadline of a few seconds. */
const leaseMs = 15_000;
/** The longest deadline of a call, and the time for which it may come through afterwards. */
const longestCallMs = 5_000;
const longestWaitMs = 2_000;
const askAgainMs = 50;

/** One lease a key, so that one process at a time changes its user in the nodes. */
export class KeyLeases implements KeyLease {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async hold<T>(keyId: number, task: (lease: HeldLease) => Promise<T>): Promise<T> {
    const lease = new RedisLease(this.#redis, `${this.#prefix}:lease:key:${keyId}`, leaseMs);
    const held = await waitFor(lease, `key ${keyId}`);
    try {
      const result = await task(held);
      await lease.release();
      return result;
    } catch (error) {
      // The task's calls may still be under way: its successor must know. If Redis is away, the lease runs out by itself.
      await lease.abandon().catch(() => undefined);
      throw error;
    }
  }
}

async function waitFor(lease: RedisLease, subject: string): Promise<HeldLease> {
  const giveUpAt = performance.now() + longestWaitMs;
  while (true) {
    const lastCallAt = performance.now() + leaseMs - longestCallMs;
    const grant = await lease.acquire();
    if (grant !== null) return { abandoned: grant === "abandoned", mustLast: () => mustBeBefore(lastCallAt, subject) };
    if (performance.now() > giveUpAt) throw new LeaseHeldError(subject);
    await sleep(askAgainMs);
  }
}

function mustBeBefore(end: number, subject: string): void {
  if (performance.now() > end) throw new LeaseHeldError(subject);
}
