import type { Due } from "@veil/keys";
import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, test } from "vitest";
import { DueIndex } from "./due-index.ts";

const NOW = 1_800_000_000_000;
const NEVER = { at: null, traffic: null };
/** Beyond what a float of 24 or an integer of 32 bits holds. */
const MANY_BYTES = 9_007_199_254_740_000;

let redis: Redis;
let index: DueIndex;
let prefix: string;

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  prefix = ownPrefix();
  index = new DueIndex(redis, prefix);
});

const take = (now = NOW, limit = 100, againAfterMs = 5_000) => index.take(now, limit, againAfterMs);

describe("what is expected of a key", () => {
  it("is due from its very millisecond on", async () => {
    await index.expect(7, { at: NOW, traffic: null });
    expect(await take(NOW - 1)).toEqual([]);
    expect(await take(NOW)).toEqual([7]);
  });

  it("comes earlier, and never later, until it is replaced", async () => {
    await index.expect(7, { at: NOW, traffic: 100 });
    await index.expect(7, { at: NOW + 5, traffic: MANY_BYTES });
    await index.expect(7, NEVER);
    expect(await index.moved(new Map([[7, 99]]), NOW)).toBe(0);
    expect(await take(NOW)).toEqual([7]);
    await index.replace(7, { at: NOW + 50, traffic: MANY_BYTES });
    expect(await take(NOW + 49)).toEqual([]);
    await index.expect(7, { at: NOW + 20, traffic: 9 });
    expect(await index.moved(new Map([[7, 9]]), NOW + 30)).toBe(1);
    expect(await take(NOW + 20)).toEqual([7]);
  });

  it("is replaced for many keys at once, each by its own", async () => {
    for (const keyId of [1, 2, 3]) await index.expect(keyId, { at: NOW, traffic: 1 });
    const dues = new Map<number, Due>();
    for (let keyId = 2; keyId < 1_502; keyId += 1) dues.set(keyId, { at: NOW + keyId - 2, traffic: null });
    await index.replaceMany(dues.set(2, { at: null, traffic: 7 }));
    expect(await take(NOW + 2, 9)).toEqual([1, 3, 4]);
    expect((await take(NOW + 1_499, 2_000)).length).toBe(1_497);
    expect(await index.awaiting([1, 2, 3])).toEqual([1, 2]);
    await index.replaceMany(new Map());
  });

  it("is found among many by the time before which it is due", async () => {
    for (const keyId of [1, 2, 3]) await index.expect(keyId, { at: NOW + keyId, traffic: null });
    await index.expect(4, { at: null, traffic: 5 });
    expect(await index.dueAmong([1, 3, 4, 2, 9], NOW + 3)).toEqual(new Set([1, 2]));
    expect(await index.dueAmong([], NOW)).toEqual(new Set());
  });

  it("goes with a replacement by nothing", async () => {
    await index.expect(7, { at: NOW, traffic: 1 });
    await index.replace(7, NEVER);
    expect([await take(), await index.awaiting([7]), await index.moved(new Map([[7, 5]]), NOW)]).toEqual([[], [], 0]);
  });
});

describe("taking", () => {
  it("gives the longest overdue first, and no more than asked for", async () => {
    for (const keyId of [1, 2, 3, 4]) await index.expect(keyId, { at: NOW - keyId, traffic: null });
    expect(await take(NOW, 3)).toEqual([4, 3, 2]);
    expect(await take(NOW, 3)).toEqual([1]);
    expect(await take(NOW, 3)).toEqual([]);
  });

  it("gives a key again after a while when its taker dies, and at once when it is expected earlier", async () => {
    await index.expect(7, { at: NOW, traffic: null });
    expect(await take(NOW)).toEqual([7]);
    expect(await take(NOW + 4_999)).toEqual([]);
    expect(await take(NOW + 5_000)).toEqual([7]);
    await index.expect(7, { at: NOW + 5_001, traffic: null });
    expect(await take(NOW + 5_001)).toEqual([7]);
  });

  it("gives no key to two at once", async () => {
    const keyIds = Array.from({ length: 500 }, (_, each) => each + 1);
    await Promise.all(keyIds.map((keyId) => index.expect(keyId, { at: NOW, traffic: null })));
    const other = new DueIndex(redis, prefix);
    const taken = await Promise.all(
      Array.from({ length: 40 }, (_, each) => (each % 2 === 0 ? index : other).take(NOW, 30, 5_000)),
    );
    expect(taken.flat().sort((a, b) => a - b)).toEqual(keyIds);
  });
});

describe("moving", () => {
  it("makes a key due that has moved what was waited for, however much that is", async () => {
    await index.expect(7, { at: NOW + 60_000, traffic: MANY_BYTES });
    await index.expect(8, { at: null, traffic: 100 });
    expect(
      await index.moved(
        new Map([
          [7, MANY_BYTES - 1],
          [8, 99],
          [9, MANY_BYTES],
        ]),
        NOW,
      ),
    ).toBe(0);
    expect(await take()).toEqual([]);
    expect(
      await index.moved(
        new Map([
          [7, MANY_BYTES],
          [8, 101],
        ]),
        NOW,
      ),
    ).toBe(2);
    expect(await take()).toEqual([7, 8]);
  });

  it("puts off no key that is due already", async () => {
    await index.expect(7, { at: NOW - 50, traffic: 1 });
    await index.moved(new Map([[7, 5]]), NOW);
    expect(await take(NOW - 50)).toEqual([7]);
  });

  it("knows of many keys those that are waited for", async () => {
    for (const keyId of [3, 5_001, 12_000]) await index.expect(keyId, { at: null, traffic: 10 });
    const all = Array.from({ length: 12_000 }, (_, each) => each + 1);
    expect(await index.awaiting(all)).toEqual([3, 5_001, 12_000]);
    expect(await index.moved(new Map(all.map((keyId) => [keyId, 10])), NOW)).toBe(3);
    expect(await index.awaiting([])).toEqual([]);
  });
});

test("it is complete once somebody says so, for an hour, and no longer than Redis remembers", async () => {
  expect(await index.isComplete()).toBe(false);
  expect(await index.markComplete(await index.beginEntering())).toBe(true);
  expect(await new DueIndex(redis, prefix).isComplete()).toBe(true);
  const lasts = await redis.ttl(`${prefix}:due:complete`);
  expect(lasts).toBeGreaterThan(3_500);
  expect(lasts).toBeLessThanOrEqual(3_600);
  const keys = await redis.keys(`${prefix}*`);
  await redis.del(...keys);
  expect(await index.isComplete()).toBe(false);
});

test.each([
  ["Redis forgot what was entered", async () => void (await redis.del(...(await redis.keys(`${prefix}*`))))],
  ["somebody else has begun", async () => void (await new DueIndex(redis, prefix).beginEntering())],
])("it is not complete when %s since that began", async (_, happens) => {
  expect(await index.isComplete()).toBe(false);
  const entering = await index.beginEntering();
  await index.expect(7, { at: NOW, traffic: null });
  await happens();
  expect(await index.markComplete(entering)).toBe(false);
  expect(await index.isComplete()).toBe(false);
});
