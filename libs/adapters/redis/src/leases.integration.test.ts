import { setTimeout as sleep } from "node:timers/promises";
import { LAST_CALL_UNDER_LEASE_MS, LEASE_MS, LeaseHeldError, type LeaseUrgency } from "@veil/keys";
import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
import { KeyLeases } from "./key-leases.ts";
import { RedisLease } from "./redis-lease.ts";
import { runExclusively, waitExclusively } from "./run-exclusively.ts";

let redis: Redis;
let prefix: string;

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  prefix = ownPrefix();
});

test("a lease that was given back is free, one that ran out was abandoned", async () => {
  const lasting = (ms: number) => new RedisLease(redis, `${prefix}:lease`, ms);
  const [first, second, short] = [lasting(60_000), lasting(60_000), lasting(20)];
  expect(await first.acquire()).toMatchObject({ abandonedBy: null });
  await first.release();
  expect(await second.acquire()).toMatchObject({ abandonedBy: null });
  expect(await first.acquire()).toBeNull();
  await second.release();

  expect(await short.acquire()).toMatchObject({ abandonedBy: null });
  await expect.poll(() => second.acquire()).toMatchObject({ abandonedBy: short.token });
  await short.release();
  expect(await first.acquire()).toBeNull();
});

test("a later holder has a greater fence, and Redis that forgot the lease gives no smaller one", async () => {
  const leases = new KeyLeases(redis, prefix);
  const fences: number[] = [];
  for (let holder = 0; holder < 20; holder += 1) {
    fences.push(await leases.hold(7, ({ fence }) => Promise.resolve(fence)));
    await redis.del(`${prefix}:lease:key:7`);
  }
  expect(fences).toEqual([...new Set(fences)].sort((one, other) => one - other));
});

test("what fails while it holds a key's lease is reported to the next holder at once", async () => {
  const leases = new KeyLeases(redis, prefix);
  let token = "";
  const dying = leases.hold(7, (lease) => {
    token = lease.token;
    return Promise.reject(new Error("died"));
  });
  await expect(dying).rejects.toThrow("died");
  expect(await leases.hold(7, ({ abandonedBy }) => Promise.resolve(abandonedBy))).toBe(token);
  expect(await leases.hold(7, ({ abandonedBy }) => Promise.resolve(abandonedBy))).toBeNull();
});

test("a key's lease is held by one at a time; who waits too long gets an error", async () => {
  const leases = new KeyLeases(redis, prefix);
  const failure = await leases.hold(7, () => leases.hold(7, () => Promise.resolve()).catch((error: unknown) => error));
  expect(failure).toBeInstanceOf(LeaseHeldError);
});

test("who waits for a key's lease with an answer to give gets it before all that only repair", async () => {
  const leases = new KeyLeases(redis, prefix);
  const order: string[] = [];
  const hold = (name: string, urgency?: LeaseUrgency) =>
    leases.hold(7, async () => void order.push(name), urgency).catch(() => order.push(`${name} gave up`));
  let waiting: Promise<unknown>[] = [];
  await leases.hold(7, async () => {
    waiting = Array.from({ length: 60 }, (_, index) => hold(`repair ${index}`, "gives-way"));
    await sleep(200);
    waiting.push(hold("job"));
    await sleep(200);
  });
  await Promise.all(waiting);
  expect(order[0]).toBe("job");
  expect(order.slice(1).filter((name) => /^repair \d+$/.test(name)).length).toBeGreaterThan(0);
});

test("every holder has a greater fence than the one before, also of an external id", async () => {
  const leases = new KeyLeases(redis, prefix);
  const fences: number[] = [];
  for (let holder = 0; holder < 20; holder += 1) {
    await leases.hold(8, async ({ fence }) => void fences.push(fence));
  }
  expect(fences.every((fence, index) => index === 0 || fence > (fences[index - 1] ?? 0))).toBe(true);
  expect(await leases.holdExternalId({ externalId: "tg-42", owner: null }, async ({ fence }) => fence)).toBeGreaterThan(
    fences.at(-1) ?? 0,
  );
});

test("of many keys those are held together that nobody holds, each by its own lease", async () => {
  const leases = new KeyLeases(redis, prefix);
  const died = leases.hold(3, () => Promise.reject(new Error("died")));
  await expect(died).rejects.toThrow("died");
  await leases.hold(2, async () => {
    const keyIds = Array.from({ length: 2_500 }, (_, index) => index + 1);
    const ends = await leases.holdMany(keyIds, async (held) => {
      expect([held.size, held.has(2), held.has(3)]).toEqual([2_498, false, false]);
      expect(new Set([...held.values()].map(({ token }) => token)).size).toBe(1);
      for (const lease of held.values()) lease.mustLast();
      expect(await leases.holdMany([7], async (others) => new Map([...others].map(([keyId]) => [keyId, 0])))).toEqual(
        new Map(),
      );
      return new Map([...held.keys()].map((keyId) => [keyId, "done"]));
    });
    expect(ends.size).toBe(2_498);
  });
  expect(await leases.hold(7, ({ abandonedBy }) => Promise.resolve(abandonedBy))).toBeNull();
  expect(await leases.hold(3, ({ abandonedBy }) => Promise.resolve(abandonedBy))).not.toBeNull();
});

test("of many keys those are abandoned that the task was not done with, and all when it fails", async () => {
  const leases = new KeyLeases(redis, prefix);
  let token = "";
  await leases.holdMany([1, 2], async (held) => {
    token = held.get(1)?.token ?? "";
    return new Map([[1, "done"]]);
  });
  const abandonedBy = (keyId: number) => leases.hold(keyId, async (lease) => lease.abandonedBy);
  expect([await abandonedBy(1), await abandonedBy(2)]).toEqual([null, token]);
  const failing = leases.holdMany([1, 2], () => Promise.reject(new Error("died")));
  await expect(failing).rejects.toThrow("died");
  expect([await abandonedBy(1), await abandonedBy(2)]).not.toContain(null);
});

test("leases of many keys last while the task does, and whoever loses one may call no more for it", async () => {
  const leases = new KeyLeases(redis, prefix);
  const other = new RedisLease(redis, `${prefix}:lease:key:1`, 1_000);
  await leases.holdMany([1, 2], async (held) => {
    await redis.hset(`${prefix}:lease:key:2`, "token", "another process");
    await sleep(LEASE_MS + 1_000);
    expect(await other.acquire()).toBeNull();
    held.get(1)?.mustLast();
    expect(() => held.get(2)?.mustLast()).toThrow(LeaseHeldError);
    return new Map([[1, "done"]]);
  });
  expect(await redis.hget(`${prefix}:lease:key:2`, "token")).toBe("another process");
});

test("a task that takes longer than a lease keeps its key, and may go on calling", async () => {
  const other = new RedisLease(redis, `${prefix}:lease:key:7`, 1_000);
  await new KeyLeases(redis, prefix).hold(7, async (lease) => {
    await sleep(LEASE_MS + 1_000);
    expect(await other.acquire()).toBeNull();
    lease.mustLast();
  });
  expect(await other.acquire()).toMatchObject({ abandonedBy: null });
});

test("no call may begin once another process has the lease", async () => {
  await new KeyLeases(redis, prefix).hold(7, async (lease) => {
    await redis.hset(`${prefix}:lease:key:7`, "token", "another process");
    await vi.waitFor(() => expect(() => lease.mustLast()).toThrow(LeaseHeldError));
  });
});

test("no call may begin that could outlast a lease which Redis does not confirm any more", async () => {
  const lost = connectRedis(inject("redisUrl"), "patient", () => undefined);
  let [heldAt, lastAllowedAt, refusedAt] = [0, 0, 0];
  const task = new KeyLeases(lost, prefix).hold(7, async (lease) => {
    lost.disconnect();
    heldAt = performance.now();
    await vi.waitFor(() => {
      const now = performance.now();
      expect(() => {
        lease.mustLast();
        lastAllowedAt = now;
      }).toThrow(LeaseHeldError);
    });
    refusedAt = performance.now();
  });
  // It can't be given back either.
  await task.catch(() => undefined);
  expect(lastAllowedAt - heldAt).toBeLessThanOrEqual(LAST_CALL_UNDER_LEASE_MS);
  expect(refusedAt - heldAt).toBeGreaterThan(LAST_CALL_UNDER_LEASE_MS - 500);
});

test("of two processes one runs the exclusive task", async () => {
  const task = { redis, prefix, subject: "sweep", leaseMs: 5_000 };
  const outer = await runExclusively(task, async () => runExclusively(task, () => Promise.resolve("both")));
  expect(outer).toEqual({ result: null });
  expect(await runExclusively(task, () => Promise.resolve("later"))).toEqual({ result: "later" });
});

test("a process that waits runs the exclusive task once the other is done, and gives up after its time", async () => {
  const task = { redis, prefix, subject: "waited-for", leaseMs: 5_000 };
  const ends: string[] = [];
  const first = runExclusively(task, async () => {
    expect(await waitExclusively(task, () => Promise.resolve("too early"), { waitMs: 50 })).toBeNull();
    ends.push("first");
  });
  await vi.waitFor(async () => expect(await redis.exists(`${prefix}:lease:waited-for`)).toBe(1));
  const later = waitExclusively(task, async () => ends.push("later"), { waitMs: 5_000 });
  await Promise.all([first, later]);
  expect(ends).toEqual(["first", "later"]);
  await expect(waitExclusively(task, () => Promise.reject(new Error("its own")), { waitMs: 0 })).rejects.toThrow(
    "its own",
  );
});
