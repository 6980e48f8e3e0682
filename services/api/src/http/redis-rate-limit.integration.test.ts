import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { redisRateLimit } from "./redis-rate-limit.ts";

/** What Redis does not count within a quarter of a second is let through: on a busy machine, not three times in a row. */
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

test("two replicas count the requests of a secret together, and each secret alone", REDIS_IN_TIME, async () => {
  const prefix = ownPrefix();
  const replicas = [redisRateLimit(redis, prefix, 10), redisRateLimit(other, prefix, 10)] as const;
  const taken = await Promise.all(
    Array.from({ length: 30 }, (_, index) => replicas[index % 2 === 0 ? 0 : 1].take("bot", null)),
  );
  const allowed = taken.filter((one) => one?.allowed).length;
  expect(allowed).toBeGreaterThanOrEqual(10);
  expect(allowed).toBeLessThanOrEqual(20);
  expect(await replicas[0].take("other", null)).toEqual({ allowed: true, limit: 10, remaining: 9, resetSeconds: 1 });
});

test("without Redis every request is let through at once", async () => {
  const lonely = connectRedis("redis://127.0.0.1:1", "fail-fast", () => undefined);
  expect(await redisRateLimit(lonely, "x", 1).take("bot", null)).toBeNull();
  lonely.disconnect();
});

test("a limit of 0 is none", async () => {
  expect(await redisRateLimit(redis, ownPrefix(), 0).take("bot", null)).toBeNull();
});

test("a caller with a rate of its own has that one, whatever the others have", REDIS_IN_TIME, async () => {
  const prefix = ownPrefix();
  expect(await redisRateLimit(redis, prefix, 0).take("slow", 2)).toMatchObject({
    allowed: true,
    limit: 2,
    remaining: 1,
  });
  const taken = await Promise.all(Array.from({ length: 5 }, () => redisRateLimit(redis, prefix, 1).take("fast", 4)));
  expect(taken.filter((one) => one?.allowed).length).toBeGreaterThanOrEqual(4);
});
