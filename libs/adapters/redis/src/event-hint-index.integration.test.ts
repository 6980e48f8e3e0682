import { ManualClock } from "@veil/runtime";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { connectRedis } from "./connect-redis.ts";
import { EventHintIndex } from "./event-hint-index.ts";
import type { Redis } from "./index.ts";

const START_MS = 1_700_000_000_000;

let redis: Redis;
let prefix: string;
let clock: ManualClock;
let hints: EventHintIndex;

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  clock = new ManualClock(START_MS);
  prefix = ownPrefix();
  hints = new EventHintIndex(redis, prefix, clock);
});

const subjects = async () => (await hints.due(100)).map(({ subject }) => subject);

test("a write that is done is looked for at once, and once", async () => {
  const hint = await hints.expect("key:1");
  expect(await subjects()).toEqual([]);
  hint.ready();
  await expect.poll(subjects).toEqual(["key:1"]);
  expect(await hints.waiting()).toEqual({ writes: 1, since: START_MS });
  await hints.looked(await hints.due(100));
  expect([await subjects(), await hints.waiting()]).toEqual([[], { writes: 0, since: null }]);
});

test("a write of which nobody heard is looked for again and again for as long as it may still come", async () => {
  await hints.expect("key:1");
  let looks = 0;
  for (let seconds = 0; seconds < 120; seconds += 1) {
    clock.step(1_000);
    const due = await hints.due(100);
    looks += due.length;
    await hints.looked(due);
  }
  expect([looks, await hints.waiting()]).toEqual([19, { writes: 0, since: null }]);
});

test("a look at one write of a subject leaves the next one expected", async () => {
  (await hints.expect("key:1")).ready();
  await expect.poll(subjects).toEqual(["key:1"]);
  const due = await hints.due(100);
  (await hints.expect("key:1")).ready();
  await hints.looked(due);
  await expect.poll(subjects).toEqual(["key:1"]);
});

test("those that wait longest come first, no more than are asked for", async () => {
  for (const subject of ["key:3", "key:1", "token:a b"]) {
    (await hints.expect(subject)).ready();
    clock.step(1);
  }
  await expect.poll(async () => (await hints.due(2)).map(({ subject }) => subject)).toEqual(["key:3", "key:1"]);
  expect(await subjects()).toEqual(["key:3", "key:1", "token:a b"]);
});

test("writes are looked for at once, and no longer than others, when the clock was set back since they were expected", async () => {
  (await hints.expect("key:1")).ready();
  await expect.poll(subjects).toEqual(["key:1"]);
  await hints.expect("key:2");
  clock.step(-24 * 3_600_000);
  expect(await hints.waiting()).toEqual({ writes: 2, since: clock.now() });
  let looks = 0;
  for (let seconds = 0; seconds < 120; seconds += 1) {
    const due = await hints.due(100);
    looks += due.length;
    await hints.looked(due);
    clock.step(1_000);
  }
  expect([looks, await hints.waiting()]).toEqual([1 + 20, { writes: 0, since: null }]);
});

test("what could not be entered is entered later by the process that knows of it", async () => {
  let isAway = true;
  const blinking = new Proxy(redis, {
    get: (target, name) => {
      if (isAway) return () => Promise.reject(new Error("away"));
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  hints = new EventHintIndex(blinking, ownPrefix(), clock);
  (await hints.expect("key:1")).ready();
  await expect(hints.waiting()).rejects.toThrow("away");
  isAway = false;
  // Nothing else is due, so that who looks for what is due alone would never come to it.
  expect(await hints.waiting()).toMatchObject({ writes: 1 });
  expect(await subjects()).toEqual(["key:1"]);
});

test("that all was looked at holds for this run of Redis", async () => {
  expect(await hints.isComplete()).toBe(false);
  expect(await hints.markComplete(await hints.beginLook())).toBe(true);
  expect(await hints.isComplete()).toBe(true);
});

test("that all was looked at does not hold for longer because Redis' clock was set back", async () => {
  expect(await hints.isComplete()).toBe(false);
  await hints.markComplete(await hints.beginLook());
  // As if the clock had been set back by an hour since.
  await redis.expire(`${prefix}:events:complete`, 2 * 3_600);
  expect(await hints.isComplete()).toBe(false);
});
