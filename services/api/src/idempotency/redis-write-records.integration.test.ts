import { randomUUID } from "node:crypto";
import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { call } from "../../test/contract/bot.ts";
import { startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";
import { InMemoryWriteRecords } from "../../test/in-memory/in-memory-write-records.ts";
import { writeRecordsConformance } from "../../test/write-records-conformance.ts";
import { WriteRecordsUnavailableError } from "../errors.ts";
import type { Outcome } from "../reply/reply.ts";
import { RedisWriteRecords } from "./redis-write-records.ts";

const outcome: Outcome = { status: 200, body: { key_id: 1 }, headers: { "X-A": "b" } };
const request = { fingerprint: "f", request: '{"a":1}', startedAt: 1_700_000_000_000, leaseMs: 60_000 };

const BATCHES = 3;

let redis: Redis;
beforeAll(async () => {
  redis = connectRedis(inject("redisUrl"), "fail-fast", () => undefined);
  await new Promise((resolve) => redis.once("ready", resolve));
});
afterAll(() => {
  redis.disconnect();
});

describe("write records in Redis", () => {
  writeRecordsConformance(() => new RedisWriteRecords(redis, ownPrefix()));
});
describe("write records in memory", () => {
  writeRecordsConformance(() => new InMemoryWriteRecords());
});

describe("RedisWriteRecords", () => {
  it("keeps a write for a day", async () => {
    const prefix = ownPrefix();
    await new RedisWriteRecords(redis, prefix).join("w", { ...request, participant: randomUUID() });
    const left = await redis.pttl(`${prefix}:write:w`);
    expect(left).toBeGreaterThan(86_000_000);
    expect(left).toBeLessThanOrEqual(86_400_000);
  });

  it("stores what replicas of version 1.0 store, so that writes outlive an upgrade", async () => {
    const prefix = ownPrefix();
    const records = new RedisWriteRecords(redis, prefix);
    await records.join("w", { ...request, participant: "a" });
    await records.complete("w", { participant: "a", attempt: 1, outcome, end: "retryable" });
    const { reply, ...rest } = await redis.hgetall(`${prefix}:write:w`);
    expect(JSON.parse(reply ?? "")).toEqual({ kind: "json", ...outcome });
    expect(rest).toMatchObject({ state: "passing", print: "f", attempt: "1", leader: "a" });
    expect((await records.read("w"))?.outcome).toEqual(outcome);
    expect(await records.join("w", { ...request, participant: "b" })).toMatchObject({ role: "leader", attempt: 2 });
  });

  it("keeps little of batches, and nothing of those whose items were all refused", async () => {
    const prefix = ownPrefix();
    const api = await startInMemoryApi({ records: new RedisWriteRecords(redis, prefix) });
    const storedBytes = async () => {
      const keys = await redis.keys(`${prefix}:*`);
      const sizes = await Promise.all(keys.map((key) => redis.memory("USAGE", key, "SAMPLES", 0)));
      return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
    };
    const post = async (name: string, headers: Record<string, string>) => {
      const keys = Array.from({ length: 1_000 }, (_, index) => ({ name: `${name}${index}` }));
      await call(api, "post", "/api/keys/batch")
        .set(headers)
        .send({ keys })
        .expect(headers["Prefer"] ? 202 : 200);
    };
    for (let batch = 0; batch < BATCHES; batch += 1)
      await post("\n".repeat(900), { "Idempotency-Key": `refused-${batch}` });
    expect(await storedBytes()).toBe(0);
    for (let batch = 0; batch < BATCHES; batch += 1) await post("\n".repeat(900), { Prefer: "respond-async" });
    expect(await storedBytes()).toBeLessThan(BATCHES * 4_096);
    const before = await storedBytes();
    for (let batch = 0; batch < BATCHES; batch += 1)
      await post(`user_${batch}_`, { "Idempotency-Key": `made-${batch}` });
    const perBatch = ((await storedBytes()) - before) / BATCHES;
    // A UUID and a subscription token are 40 random bytes of each key, which no compression makes fewer.
    expect(perBatch).toBeLessThan(112 * 1_024);
    await api.close();
  });

  it("makes replicas that read no compressed outcome ask for a repeat", async () => {
    const prefix = ownPrefix();
    const records = new RedisWriteRecords(redis, prefix);
    await records.join("w", { ...request, participant: "a" });
    const long = { ...outcome, body: { text: "x".repeat(10_000) } };
    await records.complete("w", { participant: "a", attempt: 1, outcome: long, end: "final" });
    expect(JSON.parse((await redis.hget(`${prefix}:write:w`, "reply")) ?? "")).toMatchObject({
      kind: "json",
      status: 503,
      headers: { "Retry-After": "5" },
    });
  });

  it("says when Redis is away", async () => {
    const lonely = connectRedis("redis://127.0.0.1:1", "fail-fast", () => undefined);
    const records = new RedisWriteRecords(lonely, "x");
    await expect(records.join("w", { ...request, participant: "a" })).rejects.toThrow(WriteRecordsUnavailableError);
    lonely.disconnect();
  });
});
