import { randomUUID } from "node:crypto";
import type { LeaseUrgency } from "@veil/keys";
import type { Redis } from "@veil/redis";

/** A lease that is ours. */
export interface LeaseGrant {
  /** The token of the last holder when that one never gave it back. */
  readonly abandonedBy: string | null;
  /** Redis's time in microseconds when it became ours: greater than that of every earlier holder. */
  readonly fence: number;
}

/**
 * Takes a lease whose time is over or that nobody holds.
 *
 * The entry outlives the lease: one that is found with its time over tells that its holder died or was paused,
 * which a plain `SET NX PX` forgets. Time is Redis's own, so the holders' clocks need not agree.
 *
 * A holder that gives way leaves the lease to those who wait for it and don't: of sixty passes that each want a key for
 * a moment, a job would hardly ever be the one that asks when it is free.
 *
 * KEYS[1] lease; KEYS[2] says for a while that it is waited for; ARGV[1] token; ARGV[2] lease ms; ARGV[3] ms for which an
 * abandoned entry is remembered; ARGV[4] ms for which KEYS[2] is, 0 for one who gives way
 */
const ACQUIRE_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder = redis.call('HMGET', KEYS[1], 'token', 'until')
if holder[1] and holder[1] ~= ARGV[1] and tonumber(holder[2]) > now then
  if ARGV[4] ~= '0' then redis.call('SET', KEYS[2], '1', 'PX', ARGV[4]) end
  return 'held'
end
if ARGV[4] == '0' and redis.call('GET', KEYS[2]) then return 'held' end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ARGV[3])
local fence = string.format('%d%06d', time[1], time[2])
if holder[1] and holder[1] ~= ARGV[1] then return holder[1] .. ' ' .. fence end
return 'free ' .. fence`;

/** Makes a lease last longer unless it was let go of, or somebody else took it over meanwhile. ARGV[2] lease ms */
const PROLONG_SCRIPT = `
local holder = redis.call('HMGET', KEYS[1], 'token', 'until')
if holder[1] ~= ARGV[1] or holder[2] == '0' then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'until', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
return 1`;

/** Gives a lease back unless somebody else took it over meanwhile. */
const RELEASE_SCRIPT = `
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** Lets go of the lease but leaves the entry, so that its next holder finds it abandoned. */
const ABANDON_SCRIPT = `
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('HSET', KEYS[1], 'until', 0) end
return 0`;

export const REMEMBER_ABANDONED_MS = 24 * 60 * 60 * 1000;
/** Far longer than it takes a busy process to ask again. */
const AWAITED_MS = 1_000;

/** The key in Redis of the lease of this name. Workers of two releases agree by it, so that it stays. */
export function leaseKey(prefix: string, name: string): string {
  return `${prefix}:lease:${name}`;
}

/** One holder's hold on one lease. */
export class RedisLease {
  /** Names this hold. */
  readonly token = randomUUID();
  readonly #redis: Redis;
  readonly #key: string;
  readonly #durationMs: number;

  constructor(redis: Redis, key: string, durationMs: number) {
    this.#redis = redis;
    this.#key = key;
    this.#durationMs = durationMs;
  }

  /**
   * Takes the lease, or prolongs it.
   *
   * @param urgency whoever `gives-way` gets none that another one, who does not, waits for
   * @returns null while another holds it
   * @throws when Redis does not answer
   */
  async acquire(urgency: LeaseUrgency = "urgent"): Promise<LeaseGrant | null> {
    const reply = await this.#redis.eval(
      ACQUIRE_SCRIPT,
      2,
      this.#key,
      `${this.#key}:awaited`,
      this.token,
      this.#durationMs,
      REMEMBER_ABANDONED_MS,
      urgency === "urgent" ? AWAITED_MS : 0,
    );
    if (reply === "held") return null;
    const [holder = "free", fence] = String(reply).split(" ");
    return { abandonedBy: holder === "free" ? null : holder, fence: Number(fence) };
  }

  /** Makes it last from now on. @returns false when it is not ours any more @throws when Redis does not answer */
  async prolong(): Promise<boolean> {
    return (await this.#redis.eval(PROLONG_SCRIPT, 1, this.#key, this.token, this.#durationMs)) === 1;
  }

  /** Lets go of it with a warning to the next holder: calls may still be under way. @throws when Redis does not answer */
  async abandon(): Promise<void> {
    await this.#redis.eval(ABANDON_SCRIPT, 1, this.#key, this.token);
  }

  /** Gives it back. @throws when Redis does not answer; the next holder then finds it abandoned */
  async release(): Promise<void> {
    await this.#redis.eval(RELEASE_SCRIPT, 1, this.#key, this.token);
  }
}
