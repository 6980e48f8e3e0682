import { randomUUID } from "node:crypto";
import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { InMemoryWriteRecords } from "../../test/in-memory/in-memory-write-records.ts";
import { writeRecordsConformance } from "../../test/write-records-conformance.ts";
import { WriteRecordsUnavailableError } from "../errors.ts";
import type { Outcome } from "../reply/reply.ts";
import { RedisWriteRecords } from "./redis-write-records.ts";

const outcome: Outcome = { status: 200, body: { key_id: 1 }, headers: { "X-A": "b" } };
const request = { fingerprint: "f", request: '{"a":1}', startedAt: 1_700_000_000_000, leaseMs: 60_000 };

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

  it("says when Redis is away", async () => {
    const lonely = connectRedis("redis://127.0.0.1:1", "fail-fast", () => undefined);
    const records = new RedisWriteRecords(lonely, "x");
    await expect(records.join("w", { ...request, participant: "a" })).rejects.toThrow(WriteRecordsUnavailableError);
    lonely.disconnect();
  });
});
