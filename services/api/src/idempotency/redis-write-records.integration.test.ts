import { randomUUID } from "node:crypto";
import { connectRedis, type Redis } from "@veil/redis-connection";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { InMemoryWriteRecords } from "../../test/in-memory/in-memory-write-records.ts";
import { WriteRecordsUnavailableError } from "../errors.ts";
import type { Outcome } from "../reply/reply.ts";
import { RedisWriteRecords } from "./redis-write-records.ts";
import type { WriteRecords } from "./write-records.ts";

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

describe.each([
  ["in Redis", (): WriteRecords => new RedisWriteRecords(redis, ownPrefix())],
  ["in memory", (): WriteRecords => new InMemoryWriteRecords()],
])("writes %s", (_name, make) => {
  it("has one leader, and followers in its attempt", async () => {
    const records = make();
    const all = await Promise.all(["a", "b", "c"].map((participant) => records.join("w", { ...request, participant })));
    expect(all.map(({ role }) => role).toSorted()).toEqual(["follower", "follower", "leader"]);
    expect(all).toEqual(all.map(({ role }) => ({ role, attempt: 1, startedAt: request.startedAt })));
    expect(await records.join("w", { ...request, participant: "d", fingerprint: "g" })).toEqual({
      role: "key-mismatch",
    });
  });

  it("gives the first answer from then on", async () => {
    const records = make();
    await records.join("w", { ...request, participant: "a" });
    expect(await records.complete("w", { participant: "b", attempt: 1, outcome, end: "final" })).toEqual({
      state: "granted",
    });
    const other = { ...outcome, status: 500 };
    expect(await records.complete("w", { participant: "a", attempt: 1, outcome: other, end: "retryable" })).toEqual({
      state: "completed",
      outcome,
    });
    expect(await records.join("w", { ...request, participant: "c" })).toEqual({ role: "replay", outcome });
    expect(await records.claimOutcome("w", "a", 1, 1_000)).toEqual({ state: "completed", outcome });
    expect(await records.read("w")).toMatchObject({ outcome, attempt: 1, abandoned: false, request: request.request });
  });

  it("begins another attempt after a passing answer", async () => {
    const records = make();
    await records.join("w", { ...request, participant: "a" });
    await records.complete("w", { participant: "a", attempt: 1, outcome, end: "retryable" });
    const turn = await records.join("w", { ...request, participant: "b", startedAt: 5 });
    expect(turn).toEqual({ role: "leader", attempt: 2, startedAt: 5 });
    expect(await records.complete("w", { participant: "a", attempt: 1, outcome, end: "final" })).toEqual({
      state: "gone",
    });
    expect(await records.claimOutcome("w", "a", 1, 1_000)).toEqual({ state: "gone" });
  });

  it("lets nobody settle what another one judges", async () => {
    const records = make();
    await records.join("w", { ...request, participant: "a" });
    expect(await records.claimOutcome("w", "b", 1, 1_000)).toMatchObject({ state: "wait" });
    expect(await records.claimOutcome("w", "a", 1, 60_000)).toEqual({ state: "granted" });
    expect(await records.complete("w", { participant: "b", attempt: 1, outcome, end: "final" })).toMatchObject({
      state: "wait",
    });
    expect(await records.complete("w", { participant: "a", attempt: 1, outcome, end: "final" })).toEqual({
      state: "granted",
    });
  });

  it("gives the lead of one that ended to a takeover, in the same attempt", async () => {
    const records = make();
    await records.join("w", { ...request, participant: "a" });
    await records.release("w", "b");
    expect((await records.join("w", { ...request, participant: "b" })).role).toBe("follower");
    await records.release("w", "a");
    expect(await records.read("w")).toMatchObject({ abandoned: true, outcome: null });
    expect(await records.join("w", { ...request, participant: "c", startedAt: 9 })).toEqual({
      role: "takeover",
      attempt: 1,
      startedAt: request.startedAt,
    });
  });

  it("knows nothing of other writes", async () => {
    expect(await make().read("x")).toBeNull();
    expect(await make().claimOutcome("x", "a", 1, 1)).toEqual({ state: "gone" });
  });
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
