import { connectRedis, type Redis } from "@veil/redis";
import { createMetrics, ManualClock } from "@veil/runtime";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { memoryIn, watchRedisMemory } from "./redis-memory.ts";

let redis: Redis;
beforeAll(async () => {
  redis = connectRedis(inject("redisUrl"), "fail-fast", () => undefined);
  await new Promise((resolve) => redis.once("ready", resolve));
});
afterAll(() => {
  redis.disconnect();
});

async function shown(asked: Pick<Redis, "info">): Promise<string[]> {
  const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
  const task = watchRedisMemory(asked, metrics, new ManualClock());
  await task.trigger();
  const page = await metrics.registry.metrics();
  await task.stop();
  return page.split("\n").filter((line) => line.startsWith("veil_redis_memory_bytes"));
}

it("shows what Redis uses and where it ends", async () => {
  expect(await shown(redis)).toEqual([
    expect.stringMatching(/^veil_redis_memory_bytes\{kind="used"\} [1-9]\d{5,}$/),
    'veil_redis_memory_bytes{kind="limit"} 536870912',
  ]);
});

it("shows nothing of a Redis that is away or refuses to tell", async () => {
  const refusing = { info: () => Promise.reject(new Error("NOPERM")) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one method of many signatures, of which one is called
  expect(await shown(refusing as unknown as Redis)).toEqual([]);
});

it.each([
  ["# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:0\r\n", { used: 1_048_576, limit: null }],
  ["used_memory:5\nmaxmemory:10", { used: 5, limit: 10 }],
  ["", null],
])("reads %j", (info, memory) => {
  expect(memoryIn(info)).toEqual(memory);
});
