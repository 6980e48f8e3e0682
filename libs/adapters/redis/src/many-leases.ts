import { randomUUID } from "node:crypto";
import type { Redis } from "@veil/redis";
import { REMEMBER_ABANDONED_MS } from "./redis-lease.ts";

/**
 * Takes those leases of which there is no entry: nobody holds them, and who held them last gave them back. The entries are
 * those of one lease.
 *
 * KEYS leases; ARGV[1] token; ARGV[2] lease ms; ARGV[3] ms for which an abandoned entry is remembered.
 * Answers the fence of each lease that was taken, and an empty text for any other.
 */
const ACQUIRE_MANY_SCRIPT = `
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
local fence = string.format('%d%06d', time[1], time[2])
local fences = {}
for i, lease in ipairs(KEYS) do
  fences[i] = ''
  if redis.call('EXISTS', lease) == 0 then
    redis.call('HSET', lease, 'token', ARGV[1], 'until', ends)
    redis.call('PEXPIRE', lease, ARGV[2] + ARGV[3])
    fences[i] = fence
  end
end
return fences`;

/** As of one lease, for each. KEYS leases; ARGV[1] token; ARGV[2] lease ms. Answers 1 or 0 for each. */
const PROLONG_MANY_SCRIPT = `
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
local ours = {}
for i, lease in ipairs(KEYS) do
  local holder = redis.call('HMGET', lease, 'token', 'until')
  ours[i] = (holder[1] == ARGV[1] and holder[2] ~= '0') and 1 or 0
  if ours[i] == 1 then redis.call('HSET', lease, 'until', ends) end
end
return ours`;

/** As of one lease, for each. */
const RELEASE_MANY_SCRIPT = `
for _, lease in ipairs(KEYS) do
  if redis.call('HGET', lease, 'token') == ARGV[1] then redis.call('DEL', lease) end
end
return 0`;

/** As of one lease, for each. */
const ABANDON_MANY_SCRIPT = `
for _, lease in ipairs(KEYS) do
  if redis.call('HGET', lease, 'token') == ARGV[1] then redis.call('HSET', lease, 'until', 0) end
end
return 0`;

/** Leases of one script, which nobody else's command gets in between: some milliseconds. */
const LEASES_AT_ONCE = 1_000;

/** One holder's hold on many leases at once, under one token. It does to each what `RedisLease` does to one. */
export class ManyLeases {
  /** Names this hold. */
  readonly token = randomUUID();
  readonly #redis: Redis;
  readonly #names: ReadonlyMap<number, string>;
  readonly #durationMs: number;

  /** @param names of the leases, by whatever the holder calls them */
  constructor(redis: Redis, names: ReadonlyMap<number, string>, durationMs: number) {
    this.#redis = redis;
    this.#names = names;
    this.#durationMs = durationMs;
  }

  /** @returns the fence of each lease that was free @throws when Redis does not answer */
  async acquire(): Promise<Map<number, number>> {
    const ids = [...this.#names.keys()];
    const fences = await this.#run(ACQUIRE_MANY_SCRIPT, ids, this.#durationMs, REMEMBER_ABANDONED_MS);
    return new Map(
      ids.map((id, index): [number, number] => [id, Number(fences[index])]).filter(([, fence]) => fence > 0),
    );
  }

  /** Makes them last from now on. @returns those that are still ours @throws when Redis does not answer */
  async prolong(ids: readonly number[]): Promise<Set<number>> {
    const ours = await this.#run(PROLONG_MANY_SCRIPT, ids, this.#durationMs);
    return new Set(ids.filter((_, index) => Number(ours[index]) === 1));
  }

  /** Lets go of them with a warning to the next holders. @throws when Redis does not answer */
  async abandon(ids: readonly number[]): Promise<void> {
    await this.#run(ABANDON_MANY_SCRIPT, ids);
  }

  /** Gives them back. @throws when Redis does not answer; the next holders then find them abandoned */
  async release(ids: readonly number[]): Promise<void> {
    await this.#run(RELEASE_MANY_SCRIPT, ids);
  }

  async #run(script: string, ids: readonly number[], ...values: readonly number[]): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (let start = 0; start < ids.length; start += LEASES_AT_ONCE) {
      const names = ids.slice(start, start + LEASES_AT_ONCE).map((id) => this.#names.get(id) ?? "");
      const answer = await this.#redis.eval(script, names.length, ...names, this.token, ...values);
      if (Array.isArray(answer)) answers.push(...(answer as unknown[]));
    }
    return answers;
  }
}
