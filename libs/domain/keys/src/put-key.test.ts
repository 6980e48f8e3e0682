import { describe, expect, it, test } from "vitest";
import { KilledError, killAtEveryCall } from "../test/dying-ports.ts";
import { inMemoryLifecycle, plant } from "../test/in-memory-lifecycle.ts";
import { isVisible } from "./access-key.ts";
import { LeaseHeldError, NodeUnreachableError, UnreadableRecordError } from "./errors.ts";
import { type ExternalIds, giveExternalId, isGivenAway } from "./external-ids.ts";
import type { HeldLease } from "./node-users.ts";
import { type PutRequest, putKey } from "./put-key.ts";
import { firstTerms } from "./terms/key-terms.ts";

const HAVING_ID = { ...firstTerms({}, { createdAt: 0, nextResetAt: null }), externalId: "tg-1" };

function putter() {
  const rig = inMemoryLifecycle();
  const request = (job: string, requested: Partial<PutRequest["requested"]> = {}, redelivered = false): PutRequest => ({
    externalId: "tg-1",
    job,
    deadline: rig.clock.now() + 8_000,
    redelivered,
    requested: { owner: null, ...requested },
  });
  const put = (...given: Parameters<typeof request>) => rig.passing(putKey(request(...given), rig.ports));
  const holders = () => [...rig.store.keys.values()].filter((key) => isVisible(key) && key.terms.externalId === "tg-1");
  return { ...rig, request, put, holders };
}

function bound(ids: ExternalIds): ExternalIds {
  return { claim: ids.claim.bind(ids), replace: ids.replace.bind(ids), find: ids.find.bind(ids) };
}

test("makes the key, then changes what is named of it and leaves the rest", async () => {
  const { put, holders } = putter();
  expect(await put("put-1", { name: "Ada", terms: { tag: "trial", trafficLimit: 9 } })).toMatchObject({
    outcome: "created",
  });
  expect(await put("put-2", { terms: { tag: "paid" } })).toMatchObject({ outcome: "changed", isChanged: true });
  expect(await put("put-3", { terms: { tag: "paid" } })).toMatchObject({ outcome: "changed", isChanged: false });
  expect(holders()).toMatchObject([
    { name: "Ada", terms: { tag: "paid", trafficLimit: 9, externalId: "tg-1", revision: 2 } },
  ]);
});

test("changes the key only while it has the revision that the caller has seen, and makes none then", async () => {
  const { put, request, ports, passing, store, holders } = putter();
  const putSeen = (job: string, ifRevision: number | "any", redelivered = false) =>
    passing(putKey({ ...request(job, { terms: { note: job } }, redelivered), ifRevision }, ports));
  expect(await putSeen("early", 1)).toEqual({ outcome: "outdated" });
  expect(await putSeen("early", "any")).toEqual({ outcome: "outdated" });
  expect(holders()).toEqual([]);
  await put("put-1");
  expect(await putSeen("first", 1)).toMatchObject({ outcome: "changed", isChanged: true });
  expect(await putSeen("second", 1)).toEqual({ outcome: "outdated" });
  expect(await putSeen("first", 1, true)).toMatchObject({ outcome: "changed" });
  expect(holders()).toMatchObject([{ terms: { note: "first", revision: 2 } }]);
  expect(await putSeen("third", "any")).toMatchObject({ outcome: "changed", isChanged: true });
  await store.beginDeletion(1, "delete-1");
  expect(await putSeen("fourth", 3)).toEqual({ outcome: "outdated" });
  expect(holders()).toEqual([]);
});

test("leaves the key as it is that another attempt of the write has made", async () => {
  const { put, holders } = putter();
  const attempt = (number: number) => `put-once-0123456789abcdef0123456789abcdef01234567-${number}`;
  await put(attempt(1), { terms: { tag: "trial" } });
  await put("put-2", { terms: { tag: "paid" } });
  expect(await put(attempt(2), { terms: { tag: "trial" } })).toMatchObject({ outcome: "created", key: { keyId: 1 } });
  expect(holders()).toMatchObject([{ terms: { tag: "paid", revision: 2 } }]);
});

test("changes the key that a write of the same Idempotency-Key has made a month before", async () => {
  const { put, clock, holders } = putter();
  const job = "put-once-0123456789abcdef0123456789abcdef01234567-1";
  await put(job, { terms: { tag: "trial" } });
  const made = clock.now();
  clock.now = () => made + 30 * 86_400_000;
  expect(await put(job, { terms: { tag: "paid" } })).toMatchObject({ outcome: "changed", isChanged: true });
  expect(holders()).toMatchObject([{ terms: { tag: "paid" } }]);
});

test("of many at once one makes the key, and the others change it", async () => {
  const { request, ports, passing, holders } = putter();
  const jobs = Array.from({ length: 12 }, (_, index) => request(`put-${index}`, { terms: { note: String(index) } }));
  const ends = await passing(Promise.all(jobs.map((job) => putKey(job, ports))));
  expect(ends.filter(({ outcome }) => outcome === "created")).toHaveLength(1);
  expect(ends.filter(({ outcome }) => outcome === "changed")).toHaveLength(11);
  expect(holders()).toMatchObject([{ terms: { revision: 12 } }]);
});

test("makes another key once the one that had the id is deleted", async () => {
  const { put, store, holders } = putter();
  await put("put-1");
  await store.beginDeletion(1, "delete-1");
  expect(await put("put-2")).toMatchObject({ outcome: "created", key: { keyId: 2 } });
  expect(holders()).toHaveLength(1);
});

test("an entry of a key that never took the id keeps nobody from it", async () => {
  const { put, externalIds, store } = putter();
  externalIds.entries.set("tg-1", [77]);
  expect(await put("put-1")).toMatchObject({ outcome: "created" });
  plant(store, [], { keyId: 50, phase: "active" });
  externalIds.entries.set("tg-1", [50]);
  expect(await put("put-2")).toMatchObject({ outcome: "created" });
  expect(await put("put-3")).toMatchObject({ outcome: "changed", isChanged: false });
});

test("a write that would give the id to a second key comes to nothing, however late it arrives", async () => {
  const { put, externalIds, store, holders } = putter();
  plant(store, [], { keyId: 50, phase: "active" });
  const before = store.keys.get(50);
  if (before === undefined) throw new Error("no key");
  // As a change leaves it whose write hangs, and whose lease of the id Redis forgets.
  externalIds.entries.set("tg-1", [50]);
  const late = {
    ...before,
    fence: 0,
    terms: { ...before.terms, externalId: "tg-1", revision: before.terms.revision + 1 },
  };
  expect(await put("put-1")).toMatchObject({ outcome: "created" });
  await store.change(50, late);
  expect(holders()).toMatchObject([{ job: "put-1" }]);
});

test("a key that is decided late is found, though another was entered in its place meanwhile", async () => {
  const { put, externalIds, store, holders } = putter();
  // As a job of key 61 leaves it that found key 60 undecided, since Redis had forgotten its lease, and failed thereafter.
  externalIds.entries.set("tg-1", [61, 60]);
  plant(store, [], { keyId: 60, phase: "active", terms: HAVING_ID });
  expect(await put("put-1", { name: "Ada" })).toMatchObject({ outcome: "changed", key: { keyId: 60 } });
  expect(holders()).toMatchObject([{ keyId: 60, name: "Ada" }]);
});

test("a key that is entered and undecided does not get the id that an earlier one has come to have", async () => {
  const { ports, externalIds, store, passing } = putter();
  externalIds.entries.set("tg-1", [61, 60]);
  plant(store, [], { keyId: 60, phase: "active", terms: HAVING_ID });
  const lease = { token: "a", fence: 1, mustLast: () => undefined };
  const id = { externalId: "tg-1", owner: null };
  expect(await passing(giveExternalId(id, 61, lease as unknown as HeldLease, ports))).toBe("taken");
  expect(await isGivenAway(id, 61, ports)).toBe(true);
});

test("who entered a key after somebody else, whose lease of the id Redis had forgotten too, does not go on with it", async () => {
  const { ports, externalIds, passing } = putter();
  const id = { externalId: "tg-1", owner: null };
  await externalIds.claim(id, 50);
  const lease = (fence: number) => ({ token: "a", fence, mustLast: () => undefined }) as unknown as HeldLease;
  const { claim } = externalIds;
  const overtaken: typeof claim = async (...asked) => {
    const entered = await claim.apply(externalIds, asked);
    await externalIds.replace(id, { keyIds: [62], version: entered.version + 1, fence: 9 });
    return entered;
  };
  const late = giveExternalId(id, 61, lease(8), { ...ports, externalIds: { ...bound(externalIds), claim: overtaken } });
  await expect(passing(late)).rejects.toThrow(LeaseHeldError);
  expect(await externalIds.find(id)).toEqual([62]);
});

test("who enters another key keeps the undecided ones in the entry, and drops what can no longer have the id", async () => {
  const { put, externalIds, store } = putter();
  plant(store, [], { keyId: 50, phase: "gone" });
  externalIds.entries.set("tg-1", [61, 60, 50]);
  const made = await put("put-1");
  const keyId = made.outcome === "created" ? made.key.keyId : 0;
  expect(externalIds.entries.get("tg-1")).toEqual([keyId, 61, 60]);
});

test("says at once that the key that has the id can't be read", async () => {
  const { put, store } = putter();
  await put("put-1");
  store.find = () => Promise.reject(new UnreadableRecordError("keys: the document 1 makes no sense"));
  const detail = "another key that can't be read was given external_id tg-1";
  expect(await put("put-2")).toEqual({ outcome: "unavailable", detail });
});

describe("delivered twice", () => {
  it("makes one key, and does not change it by its own words", async () => {
    const { put, holders } = putter();
    const first = await put("put-1", { terms: { trafficLimit: 9 } });
    expect(await put("put-1", { terms: { trafficLimit: 9 } }, true)).toEqual(first);
    expect(holders()).toMatchObject([{ terms: { revision: 1 } }]);
  });

  it("changes once", async () => {
    const { put, holders } = putter();
    await put("put-1");
    await put("put-2", { terms: { note: "n" } });
    expect(await put("put-2", { terms: { note: "n" } }, true)).toMatchObject({ outcome: "changed", isChanged: true });
    expect(holders()).toMatchObject([{ terms: { revision: 2 } }]);
  });
});

test("leaves nothing behind when no node can be reached, so that the next one makes the key", async () => {
  const { put, nodes, holders } = putter();
  for (const node of Object.values(nodes)) {
    node.onCall = () => {
      throw new NodeUnreachableError(node.name, null);
    };
  }
  expect(await put("put-1")).toMatchObject({ outcome: "unavailable" });
  expect(holders()).toEqual([]);
  for (const node of Object.values(nodes)) node.onCall = () => undefined;
  expect(await put("put-2")).toMatchObject({ outcome: "created" });
});

test.each([true, false])(
  "a worker that dies at any call leaves one key or none (a key is there: %s)",
  async (isThere) => {
    const calls = await killAtEveryCall(async (die) => {
      const { put, request, ports, passing, holders, nodes } = putter();
      if (isThere) await put("put-0");
      const asked = { name: "Ada", terms: { trafficLimit: 900 } };
      const died = await passing(putKey(request("put-1", asked), die(ports)).catch((error: unknown) => error));
      if (died instanceof KilledError) expect(holders().length).toBeLessThanOrEqual(1);
      const end = await put("put-1", asked, true);
      // The claim of the delivery that died has kept its deadline.
      if (end.outcome === "unavailable") {
        expect([end.detail, isThere, holders()]).toEqual(["the deadline has passed", false, []]);
        expect([...nodes.a.users.keys(), ...nodes.b.users.keys()]).toEqual([]);
        return;
      }
      expect(end.outcome).toBe(isThere ? "changed" : "created");
      expect(holders()).toMatchObject([{ name: "Ada", terms: { trafficLimit: 900, revision: isThere ? 2 : 1 } }]);
      for (const { users } of Object.values(nodes)) expect([...users.keys()]).toEqual([1]);
    });
    expect(calls).toBeGreaterThan(5);
  },
);
