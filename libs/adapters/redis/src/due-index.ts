import type { Due, DueKeys } from "@veil/keys";
import type { Redis } from "ioredis";
import { RunMark } from "./run-mark.ts";

/** Lowers both entries of a key. KEYS[1] moments, KEYS[2] amounts; ARGV[1] key id, [2] milliseconds or '', [3] bytes or '' */
const EXPECT_SCRIPT = `
if ARGV[2] ~= '' then redis.call('ZADD', KEYS[1], 'LT', ARGV[2], ARGV[1]) end
if ARGV[3] ~= '' then
  local present = redis.call('HGET', KEYS[2], ARGV[1])
  if not present or tonumber(present) > tonumber(ARGV[3]) then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
end
return 1`;

/** Sets both entries of keys, or takes them away. KEYS as above; ARGV as above, three of them for each key */
const REPLACE_SCRIPT = `
for i = 1, #ARGV, 3 do
  local key, at, bytes = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if at == '' then redis.call('ZREM', KEYS[1], key) else redis.call('ZADD', KEYS[1], at, key) end
  if bytes == '' then redis.call('HDEL', KEYS[2], key) else redis.call('HSET', KEYS[2], key, bytes) end
end
return 1`;

/**
 * The keys that are due, the longest overdue first; each of them is due again later, should whoever takes it now not finish.
 * KEYS[1] moments; ARGV[1] milliseconds now, [2] how many at most, [3] milliseconds when they are due again
 */
const TAKE_SCRIPT = `
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(due) do redis.call('ZADD', KEYS[1], ARGV[3], key) end
return due`;

/** Amounts asked for by one command. */
const ASKED_AT_ONCE = 5_000;

/** Keys of one script, which nobody else's command gets in between: some milliseconds. */
const REPLACED_AT_ONCE = 1_000;

/**
 * When keys have to be looked at: a sorted set by time, and a hash of the bytes at which each has to be. Lost with Redis, and
 * made anew then, and once an hour: {@link isComplete} says when it has to be.
 */
export class DueIndex implements DueKeys {
  readonly #redis: Redis;
  readonly #moments: string;
  readonly #amounts: string;
  readonly #complete: RunMark;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#moments = `${prefix}:due:moments`;
    this.#amounts = `${prefix}:due:amounts`;
    const keys = { mark: `${prefix}:due:complete`, entering: `${prefix}:due:entering` };
    this.#complete = new RunMark(redis, keys);
  }

  async expect(keyId: number, { at, traffic }: Due): Promise<void> {
    await this.#redis.eval(EXPECT_SCRIPT, 2, this.#moments, this.#amounts, keyId, at ?? "", traffic ?? "");
  }

  async replace(keyId: number, due: Due): Promise<void> {
    await this.replaceMany(new Map([[keyId, due]]));
  }

  async replaceMany(dues: ReadonlyMap<number, Due>): Promise<void> {
    const all = [...dues];
    for (let start = 0; start < all.length; start += REPLACED_AT_ONCE) {
      const part = all.slice(start, start + REPLACED_AT_ONCE);
      const entries = part.flatMap(([keyId, { at, traffic }]) => [keyId, at ?? "", traffic ?? ""]);
      await this.#redis.eval(REPLACE_SCRIPT, 2, this.#moments, this.#amounts, ...entries);
    }
  }

  /**
   * Takes keys that are due. They come again after a while unless they are replaced or expected otherwise.
   *
   * @param now milliseconds since the epoch
   * @param againAfterMs for how long they are the taker's
   */
  async take(now: number, limit: number, againAfterMs: number): Promise<number[]> {
    const due = await this.#redis.eval(TAKE_SCRIPT, 1, this.#moments, now, limit, now + againAfterMs);
    return Array.isArray(due) ? due.map(Number) : [];
  }

  async dueAmong(keyIds: readonly number[], before: number): Promise<Set<number>> {
    const due = new Set<number>();
    for (let start = 0; start < keyIds.length; start += ASKED_AT_ONCE) {
      const part = keyIds.slice(start, start + ASKED_AT_ONCE);
      const moments = await this.#redis.zmscore(this.#moments, ...part.map(String));
      for (const [index, keyId] of part.entries()) {
        const at = moments[index] ?? null;
        if (at !== null && Number(at) < before) due.add(keyId);
      }
    }
    return due;
  }

  /** Those of the keys that have to be looked at once they have moved enough. */
  async awaiting(keyIds: readonly number[]): Promise<number[]> {
    const awaiting: number[] = [];
    for (let start = 0; start < keyIds.length; start += ASKED_AT_ONCE) {
      const part = keyIds.slice(start, start + ASKED_AT_ONCE);
      const amounts = await this.#redis.hmget(this.#amounts, ...part.map(String));
      awaiting.push(...part.filter((_, index) => amounts[index] !== null));
    }
    return awaiting;
  }

  /**
   * Makes those keys due now that have moved as much as was waited for.
   *
   * @param moved what each key has ever moved, both directions together
   * @param now milliseconds since the epoch
   * @returns how many are due
   */
  async moved(moved: ReadonlyMap<number, number>, now: number): Promise<number> {
    const all = [...moved];
    let reached = 0;
    for (let start = 0; start < all.length; start += ASKED_AT_ONCE) {
      const part = all.slice(start, start + ASKED_AT_ONCE);
      const amounts = await this.#redis.hmget(this.#amounts, ...part.map(([keyId]) => String(keyId)));
      const due = part.filter(([, bytes], index) => bytes >= Number(amounts[index] ?? Number.POSITIVE_INFINITY));
      if (due.length === 0) continue;
      await this.#redis.zadd(this.#moments, "LT", ...due.flatMap(([keyId]) => [now, String(keyId)]));
      reached += due.length;
    }
    return reached;
  }

  /**
   * Whether every key that something will become due about has been entered within the last hour, and since this Redis
   * started: one that restarts, or a replica that takes over, may lack what came last.
   */
  isComplete(): Promise<boolean> {
    return this.#complete.isSet();
  }

  /** To be called before all are entered. Redis that loses entries meanwhile loses this word as well. @returns for {@link markComplete} */
  beginEntering(): Promise<string> {
    return this.#complete.begin();
  }

  /**
   * To be called once all are entered, since it was asked last whether they are.
   *
   * @returns false when entries were lost meanwhile, or somebody else began as well
   */
  markComplete(entering: string): Promise<boolean> {
    return this.#complete.set(entering);
  }
}
