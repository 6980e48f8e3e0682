import { describe, expect, it, test } from "vitest";
import { KilledError, killAtEveryCall } from "../test/dying-ports.ts";
import { inMemoryLifecycle, plant, START_MS } from "../test/in-memory-lifecycle.ts";
import { LeaseHeldError, NodeIndeterminateError, NodeUnreachableError, StoreUnavailableError } from "./errors.ts";
import { applyDueTerms } from "./due-keys.ts";
import { dueOf } from "./due-of.ts";
import { expireTogether } from "./expire-together.ts";
import { isWanted } from "./access-key.ts";
import { unloggedEvents } from "./events/unlogged-events.ts";
import { firstTerms, type KeyTerms } from "./terms/key-terms.ts";

const START_S = START_MS / 1_000;
const OVER = { expiresAt: START_S };
const NEVER = { at: null, traffic: null };

/** Keys from 1 on that have these terms, each with its user in both nodes, and all due. */
function withKeys(...all: Partial<KeyTerms>[]) {
  const rig = inMemoryLifecycle();
  for (const [index, fields] of all.entries()) {
    const terms = { ...firstTerms({}, { createdAt: START_S - 100, nextResetAt: null }), ...fields };
    plant(rig.store, Object.values(rig.nodes), { keyId: index + 1, phase: "active", terms });
    rig.due.expected.set(index + 1, { at: START_MS, traffic: null });
  }
  const keyIds = all.map((_, index) => index + 1);
  const look = async (ports = rig.ports) => Object.fromEntries(await expireTogether(keyIds, ports));
  const users = () => Object.values(rig.nodes).map(({ users: held }) => [...held.keys()]);
  const reported = (keyId: number) => {
    const history = rig.store.historyOf(keyId);
    return history === null ? [] : unloggedEvents(history).map(({ type }) => type);
  };
  const hands = () => [...rig.store.keys.values()].flatMap((key) => key.hands);
  return { ...rig, keyIds, look, users, hands, reported };
}

test("keys that have expired leave every node by one hand, and are stored and reported by one write", async () => {
  const { look, users, due, store, hands, hints, reported } = withKeys(OVER, { ...OVER, trafficLimit: 5 }, OVER);
  const writes: number[][] = [];
  const { changeMany } = store;
  store.changeMany = (versions) => {
    const keyIds = [...versions.keys()];
    writes.push(keyIds);
    // The hand stands, what is born now is looked for, and no node was called.
    expect(hands()).toHaveLength(3);
    expect(hints.expected.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(keyIds.map((keyId) => `key:${keyId}`)),
    );
    expect(users()[0]).toEqual(expect.arrayContaining(keyIds));
    return changeMany.call(store, versions);
  };
  expect(await look()).toEqual({ 1: "applied", 2: "applied", 3: "applied" });
  expect(users()).toEqual([[], []]);
  expect(writes).toEqual([[1, 2], [3]]);
  for (const { terms } of store.keys.values()) expect(terms).toMatchObject({ isExpiryCounted: true, revision: 2 });
  expect([1, 2, 3].map(reported)).toEqual([["key.expired"], ["key.expired"], ["key.expired"]]);
  expect(hints.expected.every(({ isReady }) => isReady)).toBe(true);
  expect([...due.expected.values()]).toEqual([NEVER, NEVER, NEVER]);
  expect(hands()).toEqual([]);
});

test("what keys had moved when they expired is reported with that, and read at once", async () => {
  const { look, lifetime, ports, reported } = withKeys(
    OVER,
    { ...OVER, trafficLimit: 5 },
    { ...OVER, trafficLimit: 50 },
  );
  for (const keyId of [1, 2, 3]) lifetime.set(keyId, { upload: 0, download: 5 });
  const notices = { thresholds: [80], hours: [72], firstConnections: true };
  expect(await look({ ...ports, notices })).toEqual({ 1: "applied", 2: "applied", 3: "applied" });
  expect([1, 2, 3].map(reported)).toEqual([
    ["key.expired", "key.first_connected"],
    ["key.expired", "key.limited", "key.first_connected", "key.usage_threshold"],
    ["key.expired", "key.first_connected"],
  ]);
});

test("the first byte that is counted after a key expired is waited for, and reported", async () => {
  const { look, lifetime, ports, reported, due } = withKeys(OVER);
  const watching = { ...ports, notices: { thresholds: [], hours: [], firstConnections: true } };
  expect(await look(watching)).toEqual({ 1: "applied" });
  expect(due.expected.get(1)).toEqual({ at: null, traffic: 1 });
  lifetime.set(1, { upload: 1, download: 0 });
  expect(await look(watching)).toEqual({ 1: "applied" });
  expect([reported(1), due.expected.get(1)]).toEqual([["key.expired", "key.first_connected"], NEVER]);
});

test("one that was extended in time stays, and its new end is expected", async () => {
  const { look, users, due, nodes } = withKeys({ expiresAt: START_S + 60 }, OVER);
  expect(await look()).toEqual({ 1: "applied", 2: "applied" });
  expect(users()).toEqual([[1], [1]]);
  expect(due.expected.get(1)).toEqual({ at: (START_S + 60) * 1_000, traffic: null });
  expect(nodes.a.calls).toEqual(["remove"]);
});

test("one that is being deleted is its deletion's", async () => {
  const { look, store, due, nodes } = withKeys(OVER);
  await store.beginDeletion(1, "delete-1");
  expect(await look()).toEqual({ 1: "gone" });
  expect([due.expected.get(1), nodes.a.calls]).toEqual([NEVER, []]);
});

describe("a look of its own is needed by a key", () => {
  it.each<[string, Partial<KeyTerms>]>([
    ["whose traffic is reset", { ...OVER, trafficReset: "day", nextResetAt: START_S, isExpiryCounted: true }],
    ["whose hold ends", { holdFor: 60, holdUntil: START_S }],
    ["whose limit may be reached", { trafficLimit: 50 }],
    ["that is switched off", { enabled: false }],
  ])("%s", async (_name, fields) => {
    const { look, users, due, hands } = withKeys(fields, OVER);
    expect(await look()).toEqual({ 2: "applied" });
    expect(users()).toEqual([[1], [1]]);
    expect([due.dueAt(START_MS), hands()]).toEqual([[1], []]);
  });

  it("whose end comes soon, which is to be reported", async () => {
    const { look, ports, due } = withKeys({ expiresAt: START_S + 3_600 }, OVER);
    const notices = { thresholds: [], hours: [24], firstConnections: false };
    expect(await look({ ...ports, notices })).toEqual({ 2: "applied" });
    expect(due.dueAt(START_MS)).toEqual([1]);
  });

  it("that is marked, or in the hands of somebody else", async () => {
    const { look, store, nodes } = withKeys(OVER, OVER, OVER);
    await store.markIndeterminate(1, "a");
    await store.takeUp(2, { hand: "another", inPlaceOf: null, indeterminate: [] });
    expect(await look()).toEqual({ 3: "applied" });
    expect(nodes.a.calls).toEqual(["remove"]);
    expect(store.keys.get(2)?.hands).toEqual(["another"]);
  });

  it("that others hold, or held last and died", async () => {
    const { look, ports, clock, users } = withKeys(OVER, OVER, OVER);
    const holding = ports.lease.hold(1, () => clock.sleep(1_000));
    await ports.lease.hold(2, () => Promise.reject(new Error("died"))).catch(() => undefined);
    expect(await look()).toEqual({ 3: "applied" });
    expect(users()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    await clock.advance(1_000);
    await holding;
    expect(await look()).toMatchObject({ 1: "applied" });
  });
});

test("a node that is away, and one that does not answer, keep nobody from the others", async () => {
  for (const [error, indeterminate] of [
    [new NodeUnreachableError("a", null), []],
    [new NodeIndeterminateError("a", null), ["a"]],
  ] as const) {
    const { look, nodes, users, store, due } = withKeys(OVER, OVER);
    nodes.a.onCall = (_, keyId) => {
      if (keyId === 1) throw error;
    };
    expect(await look()).toEqual({ 1: "applied", 2: "applied" });
    expect(users()).toEqual([[1], []]);
    expect(store.keys.get(1)).toMatchObject({ indeterminate, hands: [] });
    expect(due.expected.get(1)).toEqual(NEVER);
  }
});

describe("a lease that is lost", () => {
  /** @param isLost asked whenever the lease of key 1 has to last */
  const losing = (ports: ReturnType<typeof withKeys>["ports"], isLost: () => boolean): typeof ports => {
    const lease: typeof ports.lease = {
      ...ports.lease,
      holdMany: (keyIds, task) =>
        ports.lease.holdMany(keyIds, (leases) => {
          const mustLast = () => {
            if (isLost()) throw new LeaseHeldError("key 1");
          };
          return task(new Map([...leases].map(([keyId, each]) => [keyId, keyId === 1 ? { ...each, mustLast } : each])));
        }),
    };
    return { ...ports, lease };
  };
  const abandonedBy = ({ lease }: ReturnType<typeof withKeys>["ports"]) =>
    lease.hold(1, async (held) => held.abandonedBy);

  it("before a call to a node gives its key back as it was, still due, and the others go", async () => {
    const { look, ports, users, due, hands } = withKeys(OVER, OVER);
    expect(await look(losing(ports, () => true))).toEqual({ 1: "later", 2: "applied" });
    expect(users()).toEqual([[1], [1]]);
    expect([due.dueAt(START_MS), hands(), await abandonedBy(ports)]).toEqual([[1], [], null]);
  });

  it("between calls to nodes keeps its key due and in hand", async () => {
    const { look, ports, users, due, store, nodes } = withKeys(OVER, OVER);
    const calls = () => [...nodes.a.calls, ...nodes.b.calls].length;
    expect(await look(losing(ports, () => calls() > 0))).toEqual({ 2: "applied" });
    expect(users().flat()).toEqual([1]);
    expect(due.dueAt(START_MS)).toEqual([1]);
    expect(store.keys.get(1)?.hands).toHaveLength(1);
    expect(await abandonedBy(ports)).not.toBeNull();
  });
});

test("a store that is away while keys are marked is an error, once the others are done", async () => {
  const { look, ports, nodes, users, due, store } = withKeys(OVER, OVER);
  nodes.a.onCall = (_, keyId) => {
    if (keyId === 1) throw new NodeIndeterminateError("a", null);
  };
  store.markIndeterminate = () => Promise.reject(new StoreUnavailableError(new Error("away")));
  await expect(look(ports)).rejects.toThrow(StoreUnavailableError);
  expect(users()).toEqual([[1], []]);
  expect(due.dueAt(START_MS)).toEqual([1]);
});

test("keys that can't be read are given back as they were, and stay due", async () => {
  const { look, ports, due, store, hands } = withKeys(OVER, OVER);
  const { takeUpMany } = store;
  store.takeUpMany = async (...given) => {
    await takeUpMany.apply(store, given);
    throw new StoreUnavailableError(new Error("away"));
  };
  await expect(look()).rejects.toThrow(StoreUnavailableError);
  expect([due.dueAt(START_MS), hands()]).toEqual([[1, 2], []]);
  expect(await ports.lease.hold(1, async ({ abandonedBy }) => abandonedBy)).toBeNull();
});

test("keys whose expiry can't be stored are given back as they were, and stay due", async () => {
  const { look, ports, due, store, hands, users, reported } = withKeys(OVER, { expiresAt: START_S + 60 });
  store.changeMany = () => Promise.reject(new StoreUnavailableError(new Error("away")));
  await expect(look()).rejects.toThrow(StoreUnavailableError);
  expect([due.dueAt(START_MS), hands(), users()[0], reported(1)]).toEqual([[1, 2], [], [1, 2], []]);
  expect(await ports.lease.hold(1, async ({ abandonedBy }) => abandonedBy)).toBeNull();
});

test("a key of which the store takes no change fails alone: it leaves the nodes as the others do, and is looked at again later", async () => {
  const { look, due, store, hands, users, reported } = withKeys(OVER, OVER, OVER);
  const { changeMany } = store;
  store.changeMany = async (versions) => {
    await changeMany.call(store, new Map([...versions].filter(([keyId]) => keyId !== 2)));
    return new Set([2].filter((keyId) => versions.has(keyId)));
  };
  expect(await look()).toEqual({ 1: "applied", 2: "later", 3: "applied" });
  expect([users(), hands(), [1, 2, 3].map(reported)]).toEqual([[[], []], [], [["key.expired"], [], ["key.expired"]]]);
  expect([...due.expected.values()]).toEqual([NEVER, { at: START_MS + 3_600_000, traffic: null }, NEVER]);
});

test("a worker that dies at any call leaves its keys due, and the next one ends them and reports each once", async () => {
  const calls = await killAtEveryCall(async (die) => {
    const { ports, passing, keyIds, users, due, store, hands, clock, reported } = withKeys(OVER, OVER, {
      expiresAt: START_S + 600,
    });
    const died = await passing(applyDueTerms(keyIds, die(ports))).catch((error: unknown) => error);
    if (died instanceof KilledError) {
      const left = keyIds.filter((keyId) => due.dueAt(clock.now()).includes(keyId));
      for (const keyId of new Set(users().flat())) if (keyId !== 3) expect(left).toContain(keyId);
    }
    for (const keyId of keyIds) await due.expect(keyId, { at: START_MS, traffic: null });
    const ends = await passing(applyDueTerms(keyIds, ports));
    expect([...ends.values()]).toEqual(["applied", "applied", "applied"]);
    expect(users()).toEqual([[3], [3]]);
    expect(hands()).toEqual([]);
    expect(keyIds.map(reported)).toEqual([["key.expired"], ["key.expired"], []]);
    for (const key of store.keys.values()) {
      expect(isWanted(key, clock.now())).toBe(key.keyId === 3);
      expect(due.expected.get(key.keyId)).toEqual(dueOf(key.terms, clock.now()));
    }
  });
  expect(calls).toBeGreaterThan(6);
});
