import { randomUUID } from "node:crypto";
import {
  type ChangeNotes,
  type ChangePosition,
  type ChangeReader,
  type NotedChanges,
  NOTES_OVERLAP_MS,
} from "@veil/keys";
import type { Redis } from "ioredis";
import { z } from "zod";
import { runOf } from "./run-mark.ts";

/** Time is Redis's own, so the processes' clocks need not agree. KEYS[1] notes; ARGV[1] milliseconds ahead, [2…] key ids */
const NOTE_SCRIPT = `
local time = redis.call('TIME')
local at = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], 'GT', at, ARGV[index]) end
return 1`;

/**
 * KEYS[1] notes, [2] series; ARGV[1] a name for a series that has none, [2] milliseconds for which notes are kept, [3] from
 * when they are wanted, [4] how many at most
 */
const READ_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[2], ARGV[1], 'NX')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
local changed = {}
if tonumber(ARGV[4]) > 0 then changed = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[3], '+inf', 'LIMIT', 0, ARGV[4]) end
return {now, redis.call('GET', KEYS[2]), changed}`;

/** A reader that has read nothing for this long reads everything. At 1,000 writes a second it is 30 MB. */
const NOTES_KEPT_MS = 5 * 60_000;
const NOTED_AT_ONCE = 1_000;

const answered = z.tuple([z.number(), z.string(), z.array(z.string())]);

/**
 * The keys that were written within the last five minutes: a sorted set by Redis's time. It is lost with Redis, and
 * then another series begins: a Redis that restarts, or a replica that takes over, may lack what came last.
 */
export class ChangedKeyIndex implements ChangeNotes, ChangeReader {
  readonly #redis: Redis;
  readonly #notes: string;
  readonly #series: string;
  /** Keys that could not be noted, to be noted when Redis is back. */
  readonly #unsent = new Set<number>();

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#notes = `${prefix}:changed:keys`;
    this.#series = `${prefix}:changed:series`;
  }

  async note(keyIds: readonly number[], mayComeLateMs: number): Promise<void> {
    try {
      await this.#send(keyIds, mayComeLateMs);
    } catch {
      // Redis must not stand in the way of a write that can do without it.
      for (const keyId of keyIds) this.#unsent.add(keyId);
    }
  }

  async position(): Promise<ChangePosition> {
    return (await this.#read(0, 0)).position;
  }

  async since({ at, series }: ChangePosition, most: number): Promise<NotedChanges> {
    await this.#sendAgain();
    const { position, keyIds } = await this.#read(at - NOTES_OVERLAP_MS, most + 1);
    const isComplete =
      position.series === series && position.at - at < NOTES_KEPT_MS - NOTES_OVERLAP_MS && position.at >= at;
    return { position, keyIds: isComplete && keyIds.length <= most ? keyIds : null };
  }

  async #read(from: number, most: number): Promise<{ readonly position: ChangePosition; readonly keyIds: number[] }> {
    const run = runOf(await this.#redis.info("server"));
    const keys = [this.#notes, this.#series];
    const answer = await this.#redis.eval(READ_SCRIPT, 2, ...keys, randomUUID(), NOTES_KEPT_MS, from, most);
    const [at, series, changed] = answered.parse(answer);
    return { position: { at, series: `${run} ${series}` }, keyIds: changed.map(Number) };
  }

  async #send(keyIds: readonly number[], mayComeLateMs: number): Promise<void> {
    for (let start = 0; start < keyIds.length; start += NOTED_AT_ONCE) {
      const part = keyIds.slice(start, start + NOTED_AT_ONCE);
      await this.#redis.eval(NOTE_SCRIPT, 1, this.#notes, mayComeLateMs, ...part);
    }
  }

  async #sendAgain(): Promise<void> {
    const unsent = [...this.#unsent];
    await this.#send(unsent, 0);
    for (const keyId of unsent) this.#unsent.delete(keyId);
  }
}
