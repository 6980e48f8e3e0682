import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { ChangedKeyIndex } from "./changed-key-index.ts";
import { connectRedis } from "./connect-redis.ts";
import type { Redis } from "./index.ts";

const MOST = 100;

let redis: Redis;
let prefix: string;
let changes: ChangedKeyIndex;

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  prefix = ownPrefix();
  changes = new ChangedKeyIndex(redis, prefix);
});

const past = async (ms: number) => {
  const position = await changes.position();
  return { ...position, at: position.at - ms };
};

test("what is noted after a position is found from there, by every process", async () => {
  const position = await changes.position();
  await new ChangedKeyIndex(redis, prefix).note([7, 8], 0);
  const noted = await changes.since(position, MOST);
  expect(noted.keyIds?.toSorted((one, other) => one - other)).toEqual([7, 8]);
  expect(noted.position.at).toBeGreaterThanOrEqual(position.at);
  const others = new ChangedKeyIndex(redis, prefix);
  expect((await others.since(position, MOST)).keyIds).toHaveLength(2);
});

test("what was noted long before a position is not found, and what may come late is, for so long", async () => {
  await changes.note([1], 0);
  await changes.note([2], 90_000);
  const { at, series } = await changes.position();
  expect((await changes.since({ at: at + 20_000, series }, MOST)).keyIds).toBeNull();
  expect((await redis.zrangebyscore(`${prefix}:changed:keys`, at + 60_000, "+inf")) as unknown).toEqual(["2"]);
});

test("a note that comes late is not taken back by the next one", async () => {
  await changes.note([2], 90_000);
  await changes.note([2], 0);
  const { at } = await changes.position();
  expect(await redis.zrangebyscore(`${prefix}:changed:keys`, at + 60_000, "+inf")).toEqual(["2"]);
});

test("nothing is said of changes that are too many, too old, or of another series", async () => {
  const position = await changes.position();
  await changes.note([1, 2, 3], 0);
  expect((await changes.since(position, 2)).keyIds).toBeNull();
  expect((await changes.since(await past(6 * 60_000), MOST)).keyIds).toBeNull();
  expect((await changes.since({ ...position, series: "another run" }, MOST)).keyIds).toBeNull();
});

test("a Redis that lost its entries begins another series", async () => {
  const position = await changes.position();
  await redis.del(`${prefix}:changed:keys`, `${prefix}:changed:series`);
  const after = await changes.since(position, MOST);
  expect(after.keyIds).toBeNull();
  expect((await changes.since(after.position, MOST)).keyIds).toEqual([]);
});

test("what could not be noted is noted once Redis answers again", async () => {
  const position = await changes.position();
  let isAway = true;
  const connection = new Proxy(redis, {
    get: (target, name) => {
      if (name === "eval" && isAway) return () => Promise.reject(new Error("away"));
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
  const interrupted = new ChangedKeyIndex(connection, prefix);
  await interrupted.note([5], 0);
  isAway = false;
  expect((await changes.since(position, MOST)).keyIds).toEqual([]);
  expect((await interrupted.since(position, MOST)).keyIds).toEqual([5]);
});
