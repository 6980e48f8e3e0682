import { SYSTEM } from "@veil/events";
import { describe, expect, it, test } from "vitest";
import { inMemoryLifecycle, plant, plantCreation, START_MS } from "../test/in-memory-lifecycle.ts";
import { changeKey, type ChangeRequest } from "./change-key.ts";
import { externalIdEntry } from "./external-ids.ts";
import { changePart } from "./key-batches.ts";
import { sees, SEES_ALL } from "./owners.ts";
import { type ProvisionRequest, provisionKey } from "./provision-key.ts";
import { putKey } from "./put-key.ts";
import { retireKey } from "./retire-key.ts";
import { filterOf } from "./select-keys.ts";

const DEADLINE = START_MS + 8_000;
const OWNERS = [null, "shop", "Shop", "bazaar", "магазин"];

test("who has an owner sees that one's keys, and who has none sees all", () => {
  for (const owner of OWNERS) {
    expect(sees(SEES_ALL, { owner })).toBe(true);
    expect(OWNERS.filter((other) => sees({ owner: "shop" }, { owner: other }))).toEqual(["shop"]);
  }
});

test("no two owners' external ids are entered under one text, and those of nobody as they are", () => {
  const ids = ["", "a", "shop", 'a"b', "[1]", "a/b"];
  const entries = OWNERS.flatMap((owner) => ids.map((externalId) => externalIdEntry({ externalId, owner })));
  expect(new Set(entries).size).toBe(entries.length);
  expect(externalIdEntry({ externalId: "tg-1", owner: null })).toBe("tg-1");
});

/** A key of `shop` with its user in both nodes. */
function ofShop() {
  const rig = inMemoryLifecycle();
  const key = plant(rig.store, Object.values(rig.nodes), { phase: "active", owner: "shop" });
  const calls = () => [...rig.nodes.a.calls, ...rig.nodes.b.calls];
  return { ...rig, key, calls };
}

const request = { keyId: 1, job: "job-1", deadline: DEADLINE, redelivered: false };
const change: Omit<ChangeRequest, "owner"> = { ...request, change: { set: { enabled: false } }, ifRevision: null };

/** The change of each key of a batch. */
const ofBatch = (set: object) => ({ change: { set }, actor: SYSTEM });

describe.each(["bazaar", ""])("to a job of %j a key of another owner is not there", (owner) => {
  it("when it is to be changed, whatever revision it was seen with", async () => {
    const { ports, passing, store, key, calls } = ofShop();
    for (const ifRevision of [null, 1, 99]) {
      expect(await passing(changeKey({ ...change, owner, ifRevision }, ports))).toEqual({ outcome: "not-found" });
    }
    expect([store.keys.get(1)?.terms, calls()]).toEqual([key.terms, []]);
  });

  it("when it is to be deleted, in time or late, once or twice", async () => {
    const { ports, passing, store, calls, clock } = ofShop();
    for (const redelivered of [false, true]) {
      expect(await passing(retireKey({ ...request, owner, redelivered }, ports))).toEqual({ outcome: "not-found" });
    }
    expect(await passing(retireKey({ ...request, owner, deadline: clock.now() - 1 }, ports))).toEqual({
      outcome: "not-found",
    });
    expect([store.keys.get(1)?.phase, store.keys.get(1)?.deleter, calls()]).toEqual(["active", null, []]);
  });

  it("when it is one of many", async () => {
    const { ports, passing, store, key } = ofShop();
    const end = await passing(changePart({ job: "batch-1", owner }, [1, 2], ofBatch({ note: "mine" }), ports));
    const errors = [1, 2].map((keyId) => ({ keyId, detail: `Key with id ${keyId} not found` }));
    expect(end).toEqual({ done: 0, errors });
    expect(store.keys.get(1)?.terms).toEqual(key.terms);
  });
});

describe.each(["shop", null])("to a job of %j it is there", (owner) => {
  it("and can be changed", async () => {
    const { ports, passing } = ofShop();
    expect(await passing(changeKey({ ...change, owner }, ports))).toMatchObject({ outcome: "changed" });
  });

  it("and be changed among many", async () => {
    const { ports, passing } = ofShop();
    const end = await passing(changePart({ job: "batch-1", owner }, [1], ofBatch({ note: "n" }), ports));
    expect(end).toEqual({ done: 1, errors: [] });
  });

  it("and be deleted", async () => {
    const { ports, passing, nodes } = ofShop();
    expect(await passing(retireKey({ ...request, owner }, ports))).toEqual({ outcome: "deleted" });
    expect([nodes.a.users.size, nodes.b.users.size]).toEqual([0, 0]);
  });
});

const creation = (owner: string | null, externalId: string | null = null): ProvisionRequest => ({
  job: `create-${owner}`,
  requested: { name: null, owner, terms: { externalId } },
  deadline: DEADLINE,
  redelivered: false,
});

describe("a key that is made", () => {
  it("is its owner's for good, also one that is refused", async () => {
    const { ports, passing, store, nodes } = inMemoryLifecycle();
    await passing(provisionKey(creation("shop"), ports));
    await passing(changeKey({ ...change, owner: "shop", deadline: DEADLINE * 2 }, ports));
    expect(store.keys.get(1)).toMatchObject({ owner: "shop", terms: { enabled: false } });
    for (const node of Object.values(nodes)) node.onCall = () => Promise.reject(new Error("no node is asked"));
    await passing(provisionKey({ ...creation("bazaar"), deadline: 0 }, ports));
    expect(store.keys.get(2)).toMatchObject({ owner: "bazaar", phase: "gone" });
  });

  it("is so when a worker claimed it that knew no owners", async () => {
    const { ports, passing, store } = inMemoryLifecycle();
    plantCreation(store, DEADLINE);
    const job = { ...creation("shop"), job: "create-1", redelivered: true };
    expect(await passing(provisionKey(job, ports))).toMatchObject({ outcome: "created", key: { owner: "shop" } });
  });

  it("has its external id beside other owners' keys, and not beside its owner's", async () => {
    const { ports, passing } = inMemoryLifecycle();
    const make = (owner: string | null, job: string) =>
      passing(provisionKey({ ...creation(owner, "tg-1"), job, deadline: DEADLINE * 2 }, ports));
    const first = await Promise.all(["shop", "bazaar", null].map((owner, index) => make(owner, `create-${index}`)));
    expect(first.map(({ outcome }) => outcome)).toEqual(["created", "created", "created"]);
    const second = await Promise.all(["shop", "bazaar", null].map((owner, index) => make(owner, `again-${index}`)));
    const taken = { outcome: "taken", detail: "external_id tg-1 is taken" };
    expect(second).toEqual([taken, taken, taken]);
  });
});

test("a change gives a key an external id among those of its owner, whoever changes it", async () => {
  const { ports, passing, externalIds } = ofShop();
  await externalIds.claim({ externalId: "tg-1", owner: null }, 7);
  const set = { externalId: "tg-1" };
  expect(await passing(changeKey({ ...change, owner: null, change: { set } }, ports))).toMatchObject({
    outcome: "changed",
  });
  expect(await externalIds.find({ externalId: "tg-1", owner: "shop" })).toEqual([1]);
  expect(await externalIds.find({ externalId: "tg-1", owner: null })).toEqual([7]);
});

test("of owners who put one external id at once each gets one key of its own", async () => {
  const { ports, passing, store } = inMemoryLifecycle();
  const owners = Array.from({ length: 12 }, (_, index) => ["shop", "bazaar", null][index % 3] ?? null);
  const puts = owners.map((owner, index) =>
    putKey(
      {
        ...{ externalId: "tg-1", job: `put-${index}`, deadline: START_MS + 60_000, redelivered: false },
        requested: { owner, terms: { note: String(index) } },
      },
      ports,
    ),
  );
  const ends = await passing(Promise.all(puts));
  expect(ends.filter(({ outcome }) => outcome === "created")).toHaveLength(3);
  expect(ends.filter(({ outcome }) => outcome === "changed")).toHaveLength(9);
  const active = [...store.keys.values()].filter(({ phase }) => phase === "active");
  expect(active.map(({ owner }) => owner).toSorted()).toEqual(["bazaar", "shop", null].toSorted());
});

test("a selection finds keys of its owner alone, by every name that it has", async () => {
  const asked: unknown[] = [];
  const ports = {
    keys: {
      findByExternalId: async (id: object) => {
        asked.push(id);
        return null;
      },
    },
    online: async () => [1, 2],
  };
  const of = (owner: string | null, selection: object) => filterOf(selection, { owner }, START_MS, ports);
  expect(await of("shop", {})).toEqual({ at: START_MS, owner: "shop" });
  expect(await of(null, {})).toEqual({ at: START_MS });
  expect(await of("shop", { online: true })).toEqual({ at: START_MS, owner: "shop", keyIds: [1, 2] });
  expect(await of("shop", { externalId: "tg-1" })).toEqual({ at: START_MS, owner: "shop", keyIds: [] });
  expect(asked).toEqual([{ externalId: "tg-1", owner: "shop" }]);
});

test("an entry that names another owner's key keeps nobody from the id, and gives nobody that key", async () => {
  const { ports, passing, store, externalIds } = inMemoryLifecycle();
  await passing(provisionKey(creation("shop", "tg-1"), ports));
  await externalIds.claim({ externalId: "tg-1", owner: "bazaar" }, 1);
  const requested = { owner: "bazaar", terms: { note: "mine" } };
  const put = { externalId: "tg-1", job: "put-1", deadline: DEADLINE * 2, redelivered: false, requested };
  expect(await passing(putKey(put, ports))).toMatchObject({ outcome: "created", key: { keyId: 2, owner: "bazaar" } });
  expect(store.keys.get(1)).toMatchObject({ owner: "shop", terms: { note: null } });
});
