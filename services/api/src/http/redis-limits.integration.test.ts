import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { redisAuthGuard, redisRateLimit } from "./redis-limits.ts";

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

test("two replicas count the requests of a secret together, and each secret alone", async () => {
  const prefix = ownPrefix();
  const replicas = [redisRateLimit(redis, prefix, 10), redisRateLimit(other, prefix, 10)] as const;
  const taken = await Promise.all(
    Array.from({ length: 30 }, (_, index) => replicas[index % 2 === 0 ? 0 : 1].take("bot")),
  );
  const allowed = taken.filter((one) => one?.allowed).length;
  expect(allowed).toBeGreaterThanOrEqual(10);
  expect(allowed).toBeLessThanOrEqual(20);
  expect(await replicas[0].take("other")).toEqual({ allowed: true, limit: 10, remaining: 9, resetSeconds: 1 });
});

test("without Redis every request is let through at once", async () => {
  const lonely = connectRedis("redis://127.0.0.1:1", "fail-fast", () => undefined);
  expect(await redisRateLimit(lonely, "x", 1).take("bot")).toBeNull();
  const guard = redisAuthGuard(lonely, "x");
  expect([await guard.fail("a"), await guard.admit("a", "bot")]).toEqual([null, null]);
  lonely.disconnect();
});

test("a limit of 0 is none", async () => {
  expect(await redisRateLimit(redis, ownPrefix(), 0).take("bot")).toBeNull();
});

test("who tries tokens is refused everywhere, but for secrets found right from there before", async () => {
  const prefix = ownPrefix();
  const guard = redisAuthGuard(redis, prefix);
  const elsewhere = redisAuthGuard(other, prefix);
  expect(await guard.admit("10.0.0.1", "known")).toBeNull();
  for (let attempt = 1; attempt <= 60; attempt += 1) expect(await guard.fail("10.0.0.1")).toBeNull();
  expect(await guard.fail("10.0.0.1")).toBeGreaterThan(0);
  expect(await elsewhere.fail("10.0.0.1")).toBeGreaterThan(0);
  expect(await guard.admit("10.0.0.1", "known")).toBeNull();
  expect(await guard.admit("10.0.0.1", "guessed")).toBeGreaterThan(0);
  expect(await guard.admit("10.0.0.2", "guessed")).toBeNull();
});
