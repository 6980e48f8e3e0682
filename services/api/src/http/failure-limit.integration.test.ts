import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { MOST_FAILURES, redisFailureLimit } from "./failure-limit.ts";

/** What Redis does not count within a quarter of a second each replica counts alone: on a busy machine, not three times in a row. */
const REDIS_IN_TIME = { retry: 2 };

let redis: Redis;
let other: Redis;
const connect = async () => {
  const connection = connectRedis(inject("redisUrl"), "fail-fast", () => undefined);
  await new Promise((resolve) => connection.once("ready", resolve));
  return connection;
};
beforeAll(async () => {
  redis = await connect();
  other = await connect();
});
afterAll(() => {
  redis.disconnect();
  other.disconnect();
});

test(
  "replicas count failures together, for an address whatever port it comes from, and for a whole /64",
  REDIS_IN_TIME,
  async () => {
    const prefix = ownPrefix();
    const replicas = [redisFailureLimit(redis, prefix), redisFailureLimit(other, prefix)] as const;
    for (let failure = 0; failure < MOST_FAILURES; failure += 1) {
      const replica = replicas[failure % 2 === 0 ? 0 : 1];
      expect(await replica.fail(`203.0.113.7:${failure + 1}`)).toBeNull();
      expect(await replica.fail(`2001:db8::${failure + 1}`)).toBeNull();
    }
    for (const replica of [...replicas, redisFailureLimit(redis, prefix)]) {
      expect(await replica.fail("::ffff:203.0.113.7")).toBeGreaterThan(0);
      expect(await replica.fail("[2001:db8::ffff:0:0:1]:80")).toBeGreaterThan(0);
      expect(await replica.fail("203.0.113.8")).toBeNull();
      expect(await replica.fail("2001:db8:0:1::1")).toBeNull();
    }
  },
);

test("a flood takes few commands and few bytes of Redis", REDIS_IN_TIME, async () => {
  const prefix = ownPrefix();
  const limit = redisFailureLimit(redis, prefix);
  for (let failure = 0; failure <= MOST_FAILURES; failure += 1) await limit.fail("203.0.113.7");
  const sent = vi.spyOn(redis, "sendCommand").mockClear();
  for (let failure = 0; failure < 1_000; failure += 1) expect(await limit.fail("203.0.113.7")).toBeGreaterThan(0);
  expect(sent).not.toHaveBeenCalled();
  await Promise.all(
    Array.from({ length: 5_000 }, (_, n) =>
      limit.fail(`2001:db8:${(n >> 8).toString(16)}:${(n & 255).toString(16)}::1`),
    ),
  );
  const keys = await redis.keys(`${prefix}:*`);
  expect(keys.every((key) => /:[0-9a-f]{4}$/.test(key))).toBe(true);
  expect(Math.max(...(await Promise.all(keys.slice(0, 100).map((key) => redis.pttl(key)))))).toBeLessThanOrEqual(
    60_000,
  );
});

test("without Redis a replica counts by itself", async () => {
  const lonely = connectRedis("redis://127.0.0.1:1", "fail-fast", () => undefined);
  const limit = redisFailureLimit(lonely, "x");
  const waits = [];
  for (let failure = 0; failure <= MOST_FAILURES; failure += 1) waits.push(await limit.fail("203.0.113.7"));
  expect(waits.filter((wait) => wait !== null)).toHaveLength(1);
  lonely.disconnect();
});

test("a replica counts by itself what Redis takes too long to count, and none of it twice", async () => {
  const slow = await connect();
  vi.spyOn(slow, "sendCommand").mockReturnValue(new Promise(() => undefined));
  const limit = redisFailureLimit(slow, ownPrefix());
  const fail = () => limit.fail("203.0.113.7");
  const waits = await Promise.all(Array.from({ length: MOST_FAILURES }, fail));
  expect(waits.filter((wait) => wait !== null)).toEqual([]);
  expect(await fail()).toBeGreaterThan(0);
  slow.disconnect();
});
