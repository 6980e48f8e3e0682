import { firstTerms, type KeyRecord, type KeyTerms, StoreUnavailableError } from "@veil/keys";
import { inMemoryLifecycle, plant, START_MS } from "@veil/keys/testing";
import { connectRedis, DueIndex, type Redis } from "@veil/redis";
import { createLogger } from "@veil/runtime";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
import { applyDue } from "./apply-due.ts";
import { type DueLoopOptions, enterDue } from "./due-loop.ts";

const START_S = START_MS / 1_000;

let redis: Redis;
let prefix: string;
let rebuilt = 0;

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  prefix = ownPrefix();
  rebuilt = 0;
});

/** A worker's loop over real Redis, and keys and nodes in memory. */
function worker() {
  const rig = inMemoryLifecycle();
  const index = new DueIndex(redis, prefix);
  const options: DueLoopOptions = {
    ports: { ...rig.ports, due: index },
    index,
    keys: {
      listDue: async function* listDue(): AsyncGenerator<readonly KeyRecord[]> {
        yield [...rig.store.keys.values()];
      },
    },
    takenTogether: async () => 1_000,
    exclusive: { redis, prefix },
    log: createLogger({ service: "test", version: "0", level: "silent" }),
    onRebuilt: () => void (rebuilt += 1),
    onApplied: () => undefined,
  };
  const key = (keyId: number, fields: Partial<KeyTerms>) => {
    const terms = { ...firstTerms({}, { createdAt: START_S - 100, nextResetAt: null }), ...fields };
    const uuid = `00000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`;
    plant(rig.store, Object.values(rig.nodes), { keyId, uuid, phase: "active", terms });
  };
  const users = () => [...rig.nodes.a.users.keys()];
  return { ...rig, index, options, key, users };
}

/** Loses what a Redis that is emptied loses. Other tests use the same Redis. */
async function forget(): Promise<void> {
  const keys = await redis.keys(`${prefix}*`);
  if (keys.length > 0) await redis.del(...keys);
}

test("what is entered is carried out when it is due, and not before", async () => {
  const { options, key, users, clock } = worker();
  key(1, { expiresAt: START_S + 10 });
  key(2, { expiresAt: START_S + 20 });
  key(3, {});
  await enterDue(options);
  await applyDue(options);
  expect(users()).toEqual([1, 2, 3]);
  await clock.advance(10_000);
  await applyDue(options);
  expect(users()).toEqual([2, 3]);
  await clock.advance(10_000);
  await applyDue(options);
  expect([users(), rebuilt]).toEqual([[3], 1]);
});

test("the time of a look is measured by no clock that can be set back meanwhile", async () => {
  const { options, key, clock, nodes } = worker();
  key(1, { expiresAt: START_S });
  await enterDue(options);
  nodes.a.onCall = () => clock.step(-3_600_000);
  const took: number[] = [];
  await applyDue({ ...options, onApplied: (_, durationMs) => void took.push(durationMs) });
  expect(took).toHaveLength(1);
  expect(took[0]).toBeGreaterThanOrEqual(0);
});

test("all is entered anew after Redis was emptied, with what expired just before", async () => {
  const { options, key, users, clock, index } = worker();
  key(1, { expiresAt: START_S + 10 });
  key(2, { trafficLimit: 50 });
  await enterDue(options);
  await forget();
  await clock.advance(10_500);
  await applyDue(options);
  expect(users()).toEqual([1, 2]);
  await enterDue(options);
  await enterDue(options);
  await applyDue(options);
  expect([users(), rebuilt]).toEqual([[2], 2]);
  expect(await index.awaiting([1, 2])).toEqual([2]);
});

test("a reset that everybody missed is caught up with once", async () => {
  const { options, key, store, clock } = worker();
  key(1, { trafficReset: "day", nextResetAt: START_S });
  await clock.advance(9 * 86_400_000);
  await enterDue(options);
  await applyDue(options);
  await applyDue(options);
  expect(store.keys.get(1)?.terms).toMatchObject({ revision: 2 });
  expect(store.keys.get(1)?.terms.nextResetAt).toBeGreaterThan(clock.now() / 1_000);
});

test("keys that a worker took and did not finish are another's within seconds", async () => {
  const { options, key, users, clock, index } = worker();
  key(1, { expiresAt: START_S });
  await index.expect(1, { at: START_MS, traffic: null });
  expect(await index.take(clock.now(), 100, 5_000)).toEqual([1]);
  await applyDue(options);
  expect(users()).toEqual([1]);
  await clock.advance(5_000);
  await applyDue(options);
  expect(users()).toEqual([]);
});

test.each([
  ["by five hundred, two groups at a time", 1_000, [500, 500, 500, 500, 300]],
  ["all together where the store finds them so", 10_000, [2_300]],
])("more keys than are taken at once are all carried out by one look, %s", async (_, together, expected) => {
  const { options, key, users, index } = worker();
  const keyIds = Array.from({ length: 2_300 }, (__, each) => each + 1);
  for (const keyId of keyIds) key(keyId, { expiresAt: START_S });
  await Promise.all(keyIds.map((keyId) => index.expect(keyId, { at: START_MS, traffic: null })));
  const parts: number[] = [];
  const onApplied = (keys: number) => void parts.push(keys);
  await applyDue({ ...options, takenTogether: async () => together, onApplied });
  expect([users(), parts]).toEqual([[], expected]);
});

function newGate() {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open: () => open() };
}

/** Two groups of two keys each: the first call to a node waits until it is let through. */
async function twoGroups() {
  const rig = worker();
  for (const keyId of [1, 2, 3, 4]) {
    rig.key(keyId, { expiresAt: START_S });
    await rig.index.expect(keyId, { at: START_MS - keyId, traffic: null });
  }
  const stored: number[][] = [];
  const { changeMany } = rig.store;
  rig.store.changeMany = (versions) => {
    stored.push([...versions.keys()]);
    return changeMany.call(rig.store, versions);
  };
  const called: number[] = [];
  const gate = newGate();
  rig.nodes.a.onCall = (_, keyId) => {
    called.push(keyId);
    return gate.passed;
  };
  const options = { ...rig.options, takenTogether: async () => 4, takenAtOnce: 2 };
  return { ...rig, options, stored, called, letThrough: gate.open };
}

test("while nodes drop the users of some keys, the end of others is stored, and their users have their turn then", async () => {
  const { options, stored, called, letThrough, users } = await twoGroups();
  const look = applyDue(options);
  await vi.waitFor(() => expect(stored.flat().toSorted()).toEqual([1, 2, 3, 4]));
  expect(called).toHaveLength(2);
  letThrough();
  await look;
  const [first = [], second = []] = stored;
  expect([called, users()]).toEqual([[...first, ...second], []]);
});

test("keys that become due again while they are in hand are left to whoever is at them", async () => {
  const { options, index, clock, store, nodes, ports, users } = await twoGroups();
  await store.markIndeterminate(4, "a");
  const gates = new Map([4, 2].map((keyId) => [keyId, newGate()]));
  const called = new Set<number>();
  nodes.a.onCall = (_, keyId) => {
    called.add(keyId);
    return gates.get(keyId)?.passed;
  };
  const held: number[] = [];
  const hold: typeof ports.lease.hold = (keyId, task) => {
    held.push(keyId);
    return ports.lease.hold(keyId, task);
  };
  const look = applyDue({ ...options, ports: { ...ports, due: index, lease: { ...ports.lease, hold } } });
  await vi.waitFor(() => expect([...called].toSorted()).toEqual([1, 2, 3, 4]));
  await clock.advance(5_000);
  gates.get(2)?.open();
  await vi.waitFor(async () => expect(await index.dueAmong([4], clock.now() + 1)).toEqual(new Set()));
  gates.get(4)?.open();
  await Promise.all([look, clock.advance(60_000)]);
  expect([held, users()]).toEqual([[4], []]);
});

test("a look that fails for some keys ends once it has ended for the others", async () => {
  const { options, store, called, letThrough, users } = await twoGroups();
  const { takeUpMany } = store;
  store.takeUpMany = async (keyIds, hand) => {
    if (keyIds.includes(4)) throw new StoreUnavailableError(new Error("away"));
    return takeUpMany.call(store, keyIds, hand);
  };
  let isOver = false;
  const look = applyDue(options).finally(() => (isOver = true));
  await vi.waitFor(() => expect(called.toSorted()).toEqual([1, 2]));
  expect(isOver).toBe(false);
  letThrough();
  await expect(look).rejects.toThrow(StoreUnavailableError);
  expect(users()).toEqual([3, 4]);
});

test("one worker enters what all will carry out", async () => {
  const { options, key } = worker();
  key(1, { expiresAt: START_S + 10 });
  await Promise.all([enterDue(options), enterDue(options), enterDue(options)]);
  expect(rebuilt).toBe(1);
});
