import { setTimeout as sleep } from "node:timers/promises";
import {
  type DeviceLease,
  externalIdEntry,
  type HeldLease,
  type KeyLease,
  LAST_CALL_UNDER_LEASE_MS,
  LEASE_MS,
  LEASE_PROLONG_EVERY_MS,
  LEASE_WAIT_MS,
  LeaseHeldError,
  type LeaseUrgency,
  type OwnedExternalId,
} from "@veil/keys";
import type { Redis } from "@veil/redis";
import { ManyLeases } from "./many-leases.ts";
import { type LeaseGrant, leaseKey, RedisLease } from "./redis-lease.ts";

const ASK_AGAIN_MS = 50;

/** One lease a key, so that one process at a time changes its user in the nodes; and one for its devices. */
export class KeyLeases implements KeyLease, DeviceLease {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  hold<T>(keyId: number, task: (lease: HeldLease) => Promise<T>, urgency?: LeaseUrgency): Promise<T> {
    return this.#hold(`key:${keyId}`, `key ${keyId}`, task, urgency);
  }

  async holdMany<T>(
    keyIds: readonly number[],
    task: (leases: ReadonlyMap<number, HeldLease>) => Promise<ReadonlyMap<number, T>>,
  ): Promise<ReadonlyMap<number, T>> {
    const names = new Map(keyIds.map((keyId) => [keyId, leaseKey(this.#prefix, `key:${keyId}`)]));
    const many = new ManyLeases(this.#redis, names, LEASE_MS);
    const askedAt = performance.now();
    const fences = await many.acquire();
    const leases = new ManyHolds(many, fences, askedAt);
    const prolonging = setInterval(() => void leases.prolong(), LEASE_PROLONG_EVERY_MS);
    try {
      const ends = await task(leases.held);
      const held = [...leases.held.keys()];
      await many.release(held.filter((keyId) => ends.has(keyId)));
      await many.abandon(held.filter((keyId) => !ends.has(keyId)));
      return ends;
    } catch (error) {
      await many.abandon([...leases.held.keys()]).catch(() => undefined);
      throw error;
    } finally {
      clearInterval(prolonging);
    }
  }

  holdExternalId<T>(id: OwnedExternalId, task: (lease: HeldLease) => Promise<T>): Promise<T> {
    return this.#hold(`external-id:${externalIdEntry(id)}`, `external id ${id.externalId}`, task);
  }

  holdDevices<T>(keyId: number, task: (lease: HeldLease) => Promise<T>): Promise<T> {
    return this.#hold(`devices:${keyId}`, `devices of key ${keyId}`, task);
  }

  async #hold<T>(
    name: string,
    subject: string,
    task: (lease: HeldLease) => Promise<T>,
    urgency?: LeaseUrgency,
  ): Promise<T> {
    const lease = new RedisLease(this.#redis, leaseKey(this.#prefix, name), LEASE_MS);
    const hold = await waitFor(lease, subject, urgency);
    const prolonging = setInterval(() => void hold.prolong(), LEASE_PROLONG_EVERY_MS);
    try {
      const result = await task(hold);
      await lease.release();
      return result;
    } catch (error) {
      // The task's calls may still be under way: its successor must know. If Redis is away, the lease runs out by itself.
      await lease.abandon().catch(() => undefined);
      throw error;
    } finally {
      clearInterval(prolonging);
    }
  }
}

async function waitFor(lease: RedisLease, subject: string, urgency?: LeaseUrgency): Promise<Hold> {
  const giveUpAt = performance.now() + LEASE_WAIT_MS;
  while (true) {
    const askedAt = performance.now();
    const grant = await lease.acquire(urgency);
    if (grant !== null) return new Hold(lease, grant, subject, askedAt);
    if (performance.now() > giveUpAt) throw new LeaseHeldError(subject);
    await sleep(ASK_AGAIN_MS);
  }
}

/** A lease that was got, and until when it surely lasts. */
class Hold implements HeldLease {
  readonly token: string;
  readonly abandonedBy: string | null;
  readonly fence: number;
  readonly #lease: RedisLease;
  readonly #subject: string;
  #lastCallAt: number;

  constructor(lease: RedisLease, grant: LeaseGrant, subject: string, askedAt: number) {
    this.token = lease.token;
    this.abandonedBy = grant.abandonedBy;
    this.fence = grant.fence;
    this.#lease = lease;
    this.#subject = subject;
    this.#lastCallAt = lastCallAfter(askedAt);
  }

  mustLast(): void {
    if (performance.now() > this.#lastCallAt) throw new LeaseHeldError(this.#subject);
  }

  /** Does nothing once the lease may have been another's: what was read under it need not be true any more. */
  async prolong(): Promise<void> {
    const askedAt = performance.now();
    if (askedAt > this.#lastCallAt) return;
    const isOurs = await this.#lease.prolong().catch(() => null);
    if (isOurs === null) return;
    this.#lastCallAt = isOurs ? lastCallAfter(askedAt) : Number.NEGATIVE_INFINITY;
  }
}

/** Leases that were got together, and until when each of them surely lasts. */
class ManyHolds {
  readonly held: ReadonlyMap<number, HeldLease>;
  readonly #leases: ManyLeases;
  readonly #lost = new Set<number>();
  #lastCallAt: number;

  constructor(leases: ManyLeases, fences: ReadonlyMap<number, number>, askedAt: number) {
    this.#leases = leases;
    this.#lastCallAt = lastCallAfter(askedAt);
    this.held = new Map([...fences].map(([keyId, fence]) => [keyId, this.#leaseOf(keyId, fence)]));
  }

  /** As {@link Hold.prolong}, of those that were not lost before. */
  async prolong(): Promise<void> {
    const askedAt = performance.now();
    if (askedAt > this.#lastCallAt || this.held.size === 0) return;
    const asked = [...this.held.keys()].filter((keyId) => !this.#lost.has(keyId));
    const ours = await this.#leases.prolong(asked).catch(() => null);
    if (ours === null) return;
    for (const keyId of asked) if (!ours.has(keyId)) this.#lost.add(keyId);
    this.#lastCallAt = lastCallAfter(askedAt);
  }

  #leaseOf(keyId: number, fence: number): HeldLease {
    return {
      token: this.#leases.token,
      fence,
      abandonedBy: null,
      mustLast: () => {
        const isLost = this.#lost.has(keyId) || performance.now() > this.#lastCallAt;
        if (isLost) throw new LeaseHeldError(`key ${keyId}`);
      },
    };
  }
}

function lastCallAfter(askedAt: number): number {
  return askedAt + LAST_CALL_UNDER_LEASE_MS;
}
