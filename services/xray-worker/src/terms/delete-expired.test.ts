import { firstTerms, type KeyRecord, StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { inMemoryLifecycle, plant, START_MS } from "@veil/keys/testing";
import { expect, test } from "vitest";
import { deleteExpired } from "./delete-expired.ts";

const DAY_S = 86_400;
const NOW_S = START_MS / 1_000;

/** Keys that expired so many days ago, in the order of their ids; null for one that has no end. */
function expiredKeys(...daysAgo: readonly (number | null)[]) {
  const lifecycle = inMemoryLifecycle();
  const keys = daysAgo.map((days, index): KeyRecord => {
    const expiresAt = days === null ? null : NOW_S - days * DAY_S;
    const terms = firstTerms({ expiresAt }, { createdAt: 1, nextResetAt: null });
    return plant(lifecycle.store, [lifecycle.nodes.a], { keyId: index + 1, phase: "active", terms });
  });
  const reader = {
    async *listActive() {
      yield keys;
    },
    // The brake's own test counts.
    countActive: async () => keys.length,
  };
  const options = { afterDays: 30, earliestNow: () => lifecycle.clock.now(), brake: { allows: async () => true } };
  return { ...lifecycle, reader, options };
}

test("keys that expired long enough ago are deleted, and no others", async () => {
  const { ports, reader, store, nodes, options, passing } = expiredKeys(31, 29, null, 400);
  expect(await passing(deleteExpired(options, reader, ports))).toBe(2);
  expect([...store.keys.values()].map(({ phase }) => phase)).toEqual(["gone", "active", "active", "gone"]);
  expect([...nodes.a.users.keys()]).toEqual([2, 3]);
});

test("a key whose term is prolonged after it was listed stays", async () => {
  const { ports, reader, store, options, passing } = expiredKeys(31);
  const key = store.keys.get(1);
  if (key === undefined) throw new Error("the key is there");
  store.keys.set(1, { ...key, terms: { ...key.terms, expiresAt: NOW_S + DAY_S } });
  expect(await passing(deleteExpired(options, reader, ports))).toBe(0);
  expect(store.keys.get(1)?.phase).toBe("active");
});

test("a key of which the store takes no change, and one that others keep, stay, and those behind them go", async () => {
  const { ports, reader, store, clock, options, passing } = expiredKeys(31, 31, 31);
  const { beginDeletion } = store;
  store.beginDeletion = async (keyId, ...how) => {
    if (keyId === 1) throw new UnreadableRecordError("keys: the document 1 can't be changed");
    return beginDeletion.call(store, keyId, ...how);
  };
  const kept = ports.lease.hold(2, () => clock.sleep(60_000));
  expect(await passing(deleteExpired(options, reader, ports))).toBe(1);
  await passing(kept);
  expect([...store.keys.values()].map(({ phase }) => phase)).toEqual(["active", "active", "gone"]);
});

test("a store that is away ends it", async () => {
  const { ports, reader, store, options, passing } = expiredKeys(31);
  store.beginDeletion = () => Promise.reject(new StoreUnavailableError(new Error("away")));
  await expect(passing(deleteExpired(options, reader, ports))).rejects.toThrow(StoreUnavailableError);
});

test("nothing is deleted while a brake holds, nor by a clock that is ahead of another one", async () => {
  const { ports, store, options, passing } = expiredKeys();
  const keys = Array.from({ length: 120 }, (_, index) => {
    const expiresAt = index < 80 ? NOW_S - 31 * DAY_S : null;
    const terms = firstTerms({ expiresAt }, { createdAt: 1, nextResetAt: null });
    return plant(store, [], { keyId: index + 1, phase: "active", terms });
  });
  const fitting = (before: number) =>
    keys.filter(({ keyId, terms: { expiresAt } }) => {
      return store.keys.get(keyId)?.phase === "active" && expiresAt !== null && expiresAt < before;
    });
  const reader: Parameters<typeof deleteExpired>[1] = {
    async *listActive(page) {
      yield fitting(page?.filter?.expiresBefore ?? 0);
    },
    countActive: async (filter) => (filter === undefined ? keys.length : fitting(filter.expiresBefore ?? 0).length),
  };
  const asked: (readonly number[])[] = [];
  const brake = { allows: async (...counts: number[]) => asked.push(counts) < 0 };
  expect(await passing(deleteExpired({ ...options, brake }, reader, ports))).toBe(0);
  expect(asked).toEqual([[80, 120]]);
  const earliestNow = () => START_MS - 2 * DAY_S * 1_000;
  expect(await passing(deleteExpired({ ...options, earliestNow }, reader, ports))).toBe(0);
  expect(await passing(deleteExpired(options, reader, ports))).toBe(80);
});
