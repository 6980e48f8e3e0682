import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { DeletionBrake, LOOKS_OF_A_DAY } from "./deletion-brake.ts";

let redis: Redis;
let prefix: string;
let errors: unknown[];
let braked: boolean[];

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  prefix = ownPrefix();
  errors = [];
  braked = [];
});

/** That of one worker. */
function makeBrake(): DeletionBrake {
  const log = { error: (fields: unknown) => void errors.push(fields), info: () => undefined };
  return new DeletionBrake({ redis, prefix, log, onLook: (isBraked) => void braked.push(isBraked) });
}

/** Looks that come as far apart as they should. */
async function look(times: number): Promise<boolean> {
  let isAllowed = false;
  for (let looks = 0; looks < times; looks += 1) {
    isAllowed = await makeBrake().allows(61, 120);
    await redis.del(`${prefix}:deletion-brake:pause`);
  }
  return isAllowed;
}

test("few keys, and no more than half of all, may be deleted at once", async () => {
  const brake = makeBrake();
  const allowed = [await brake.allows(50, 50), await brake.allows(60, 120), await brake.allows(1, 1)];
  expect([allowed, braked, errors]).toEqual([[true, true, true], [false, false, false], []]);
});

test("most keys stay for a day of looks by workers that each live for one, which is said once", async () => {
  expect(await look(LOOKS_OF_A_DAY - 1)).toBe(false);
  expect([errors, new Set(braked)]).toEqual([[{ keys: 61, ofAll: 120 }], new Set([true])]);
  expect(await look(1)).toBe(true);
  expect(braked.at(-1)).toBe(false);
});

test("looks that follow at once count as one, whichever worker takes them", async () => {
  for (let looks = 0; looks < LOOKS_OF_A_DAY + 10; looks += 1) expect(await makeBrake().allows(61, 120)).toBe(false);
  expect([await redis.get(`${prefix}:deletion-brake:looks`), errors.length]).toEqual(["1", 1]);
});

test("a day begins anew after a look at which they were not most, and after hours without one", async () => {
  await look(LOOKS_OF_A_DAY - 1);
  await makeBrake().allows(0, 120);
  expect([await look(1), errors.length]).toEqual([false, 2]);
  const lasts = await redis.pttl(`${prefix}:deletion-brake:looks`);
  expect(lasts).toBeGreaterThan(2 * 60 * 60_000);
  expect(lasts).toBeLessThanOrEqual(3 * 60 * 60_000);
});
