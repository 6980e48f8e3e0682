import { attemptId } from "@veil/idempotency";
import { describe, expect, it, test } from "vitest";
import { KilledError, killAtEveryCall } from "../test/dying-ports.ts";
import { inMemoryLifecycle, plant, START_MS } from "../test/in-memory-lifecycle.ts";
import { type ChangeRequest, changeKey, type KeyChange } from "./change-key.ts";
import { dueOf } from "./due-of.ts";
import {
  LeaseHeldError,
  NodeIndeterminateError,
  NodeRejectedError,
  NodeUnreachableError,
  UnreadableRecordError,
} from "./errors.ts";
import { firstTerms, type KeyTerms } from "./terms/key-terms.ts";

const START_S = START_MS / 1_000;
const terms = (fields: Partial<KeyTerms> = {}): KeyTerms => ({
  ...firstTerms({}, { createdAt: START_S - 100, nextResetAt: null }),
  ...fields,
});
const request = (change: KeyChange, fields: Partial<ChangeRequest> = {}): ChangeRequest => ({
  keyId: 1,
  owner: null,
  job: "change-1",
  deadline: START_MS + 8_000,
  redelivered: false,
  change,
  ifRevision: null,
  ...fields,
});
const LATE = Number.MAX_SAFE_INTEGER;

/** A key with these terms, and its user in both nodes if it is in service. */
function withKey(fields: Partial<KeyTerms> = {}, isInNodes = true) {
  const rig = inMemoryLifecycle();
  const key = plant(rig.store, isInNodes ? Object.values(rig.nodes) : [], { phase: "active", terms: terms(fields) });
  const change = (asked: KeyChange, more: Partial<ChangeRequest> = {}) =>
    rig.passing(changeKey(request(asked, { deadline: rig.clock.now() + 8_000, ...more }), rig.ports));
  const users = () => Object.values(rig.nodes).map(({ users: held }) => held.get(1)?.uuid ?? null);
  const stored = () => rig.store.keys.get(1);
  return { ...rig, key, change, users, stored };
}

describe("going", () => {
  it.each<[string, KeyChange["set"]]>([
    ["disabled", { enabled: false }],
    ["given a date that is past", { expiresAt: START_S - 1 }],
    ["given a limit that it has used up", { trafficLimit: 100 }],
  ])("a key that is %s leaves every node before the answer", async (_name, set = {}) => {
    const { change, users, lifetime } = withKey();
    lifetime.set(1, { upload: 40, download: 60 });
    expect(await change({ set })).toMatchObject({
      outcome: "changed",
      isChanged: true,
      key: { terms: { revision: 2 } },
    });
    expect(users()).toEqual([null, null]);
  });

  it("is no failure when a node is away", async () => {
    const { change, nodes, users, stored } = withKey();
    nodes.b.onCall = () => {
      throw new NodeUnreachableError("b", null);
    };
    expect((await change({ set: { enabled: false } })).outcome).toBe("changed");
    expect([users()[0], stored()?.hands]).toEqual([null, []]);
  });

  it("leaves a mark on a node that gave no answer", async () => {
    const { change, nodes, stored } = withKey();
    nodes.b.onCall = () => {
      throw new NodeIndeterminateError("b", null);
    };
    expect((await change({ set: { enabled: false } })).outcome).toBe("changed");
    expect(stored()?.indeterminate).toEqual(["b"]);
  });
});

describe("coming back", () => {
  it.each<[string, Partial<KeyTerms>, KeyChange]>([
    ["enabled", { enabled: false }, { set: { enabled: true } }],
    ["extended", { expiresAt: START_S - 50 }, { extendSeconds: 60 }],
    ["given more traffic", { trafficLimit: 50, limitedAt: START_S - 5 }, { set: { trafficLimit: 500 } }],
    ["reset", { trafficLimit: 50, limitedAt: START_S - 5 }, { resetTraffic: true }],
  ])("a key that is %s is in every node before the answer", async (_name, fields, asked) => {
    const { change, users, key, lifetime } = withKey(fields, false);
    lifetime.set(1, { upload: 40, download: 60 });
    expect(await change(asked)).toMatchObject({ outcome: "changed", isChanged: true });
    expect(users()).toEqual([key.uuid, key.uuid]);
  });

  it("needs one node: the other follows when it is back", async () => {
    const { change, nodes } = withKey({ enabled: false }, false);
    nodes.a.onCall = () => {
      throw new NodeUnreachableError("a", null);
    };
    expect((await change({ set: { enabled: true } })).outcome).toBe("changed");
    expect(nodes.b.users.has(1)).toBe(true);
  });

  it("adds once in all attempts of a write, though no node could follow the first one", async () => {
    const { change, nodes, stored, users } = withKey({ expiresAt: START_S - 10 }, false);
    const isAway = (node: string) => () => {
      throw new NodeUnreachableError(node, null);
    };
    for (const node of Object.values(nodes)) node.onCall = isAway(node.name);
    const attempt = (number: number) =>
      change({ extendSeconds: 3_600_000 }, { job: `extend-426614174000-${number}`, deadline: LATE });
    expect(await attempt(1)).toMatchObject({ outcome: "unavailable" });
    const once = stored()?.terms;
    expect(await attempt(2)).toMatchObject({ outcome: "unavailable" });
    for (const node of Object.values(nodes)) node.onCall = () => undefined;
    expect(await attempt(3)).toMatchObject({ outcome: "changed", isChanged: true });
    expect(stored()?.terms).toEqual(once);
    expect(users()).not.toContain(null);
  });

  it("stands without any node, and says that none can be reached", async () => {
    const { change, nodes, stored } = withKey({ enabled: false }, false);
    for (const node of Object.values(nodes)) {
      node.onCall = () => {
        throw new NodeUnreachableError(node.name, null);
      };
    }
    const detail = "no Xray node can be reached";
    expect(await change({ set: { enabled: true } })).toEqual({ outcome: "unavailable", detail, isStored: true });
    expect(stored()).toMatchObject({ terms: { enabled: true, revision: 2 }, hands: [] });
    for (const node of Object.values(nodes)) {
      node.onCall = () => {
        throw new NodeRejectedError(node.name, null);
      };
    }
    expect(await change({ set: { enabled: true } }, { redelivered: true })).toMatchObject({
      outcome: "failed",
      isStored: true,
    });
    expect(stored()?.terms.revision).toBe(2);
  });

  it("marks a node that gave no answer", async () => {
    const { change, nodes, stored } = withKey({ enabled: false }, false);
    nodes.b.onCall = () => {
      throw new NodeIndeterminateError("b", null);
    };
    expect((await change({ set: { enabled: true } })).outcome).toBe("changed");
    expect(stored()?.indeterminate).toEqual(["b"]);
  });
});

test("a change that nodes need not know of asks none of them", async () => {
  const { change, nodes, due } = withKey();
  const expiresAt = START_S + 1_000;
  expect(await change({ set: { note: "n", expiresAt, trafficLimit: 70 } })).toMatchObject({ outcome: "changed" });
  expect([...nodes.a.calls, ...nodes.b.calls]).toEqual([]);
  expect(due.expected.get(1)).toEqual({ at: expiresAt * 1_000, traffic: 70 });
});

test("a revoked uuid is shut in every node, and the new one let in", async () => {
  const { change, users, key } = withKey();
  const result = await change({ revokeCredentials: true, revokeLink: true });
  if (result.outcome !== "changed") throw new Error(result.outcome);
  expect(result.key.uuid).not.toBe(key.uuid);
  expect(result.key.token).not.toBe(key.token);
  expect(users()).toEqual([result.key.uuid, result.key.uuid]);
});

describe("what came due before anybody looked", () => {
  it("is done by a change that comes first: an expired key leaves the nodes", async () => {
    const { change, users, due } = withKey({ expiresAt: START_S });
    due.expected.set(1, { at: START_MS, traffic: null });
    expect(await change({ set: { note: "n" } })).toMatchObject({ outcome: "changed", key: { terms: { revision: 3 } } });
    expect(users()).toEqual([null, null]);
  });

  it("is done by a change that comes first: a reset brings the key back", async () => {
    const limited = { trafficLimit: 50, limitedAt: START_S - 9, trafficReset: "day", nextResetAt: START_S } as const;
    const { change, users, key, lifetime } = withKey(limited, false);
    lifetime.set(1, { upload: 0, download: 60 });
    await change({ set: { note: "n" } });
    expect(users()).toEqual([key.uuid, key.uuid]);
  });

  it("does not make a change of one that changes nothing", async () => {
    const { change } = withKey({ holdFor: 60, holdUntil: START_S - 5, note: "n" });
    expect(await change({ set: { note: "n" } })).toMatchObject({
      outcome: "changed",
      isChanged: false,
      key: { terms: { revision: 2, expiresAt: START_S + 55 } },
    });
  });

  it("is still expected when it comes while the change is being made", async () => {
    const { change, clock, due, store, users } = withKey({ expiresAt: START_S + 2 });
    const { change: write } = store;
    store.change = async (...given) => {
      clock.step(3_000);
      return write.apply(store, given);
    };
    await change({ set: { note: "n" } });
    expect(due.expected.get(1)?.at).toBe((START_S + 2) * 1_000);
    expect(users()).not.toContain(null);
  });
});

describe("a change that is delivered twice", () => {
  it.each<[string, KeyChange]>([
    ["an extension", { extendSeconds: 600 }],
    ["a revocation", { revokeCredentials: true, revokeLink: true }],
    ["a reset", { resetTraffic: true }],
    ["a ban", { set: { enabled: false } }],
  ])("is made once: %s", async (_name, asked) => {
    const { change, stored, lifetime, clock } = withKey({ expiresAt: START_S + 900_000 });
    const first = await change(asked);
    const before = stored();
    lifetime.set(1, { upload: 5, download: 5 });
    await clock.advance(5_000);
    const second = await change(asked, { redelivered: true });
    expect([second.outcome, first.outcome]).toEqual(["changed", "changed"]);
    expect(stored()).toEqual(before);
  });

  it("is made once, also with fifteen others in between", async () => {
    const { change, stored } = withKey({ expiresAt: START_S + 900_000 });
    await change({ extendSeconds: 600 });
    for (let other = 2; other <= 16; other += 1) {
      await change({ set: { note: `n${other}` } }, { job: `change-${other}`, deadline: LATE });
    }
    await change({ extendSeconds: 600 }, { redelivered: true });
    expect(stored()?.terms).toMatchObject({ expiresAt: START_S + 900_600, revision: 17 });
  });
});

test("an Idempotency-Key that is used again after its day means another change", async () => {
  const { change, clock, stored } = withKey({ expiresAt: START_S + 9_000_000 });
  const job = attemptId("extend-once-0123456789abcdef0123456789abcdef01234567", 1);
  const extended = async () => {
    await change({ extendSeconds: 600 }, { job });
    return (stored()?.terms.expiresAt ?? 0) - START_S - 9_000_000;
  };
  expect(await extended()).toBe(600);
  clock.now = () => START_MS + 86_400_000;
  expect(await extended()).toBe(600);
  clock.now = () => START_MS + 30 * 86_400_000;
  expect([await extended(), await extended()]).toEqual([1_200, 1_200]);
  expect(stored()).toMatchObject({ changedBy: [job], changedAt: [START_S + 30 * 86_400] });
});

describe("what is asked of a key", () => {
  it("is refused with another revision than the caller has seen, a due one included", async () => {
    const { change, stored } = withKey({ expiresAt: START_S });
    expect((await change({ set: { note: "n" } }, { ifRevision: 1 })).outcome).toBe("outdated");
    expect((await change({ set: { note: "n" } }, { ifRevision: 2 })).outcome).toBe("changed");
    expect(stored()?.terms.revision).toBe(3);
  });

  it("that is not there, or deleted, is not found", async () => {
    const { change, store, stored } = withKey();
    expect((await change({ set: { enabled: false } }, { keyId: 9 })).outcome).toBe("not-found");
    await store.beginDeletion(1, "delete-1");
    expect((await change({ set: { enabled: false } })).outcome).toBe("not-found");
    expect(stored()?.terms.enabled).toBe(true);
  });

  it("is not begun after its deadline", async () => {
    const { change, stored, key } = withKey();
    const late = await change({ set: { enabled: false } }, { deadline: START_MS - 1 });
    expect(late).toMatchObject({ outcome: "failed", isStored: false });
    expect(stored()).toEqual(key);
  });

  it("that makes no sense is refused, and changes nothing", async () => {
    const { change, stored, key, due } = withKey();
    expect((await change({ set: { holdUntil: START_S } })).outcome).toBe("refused");
    expect([stored(), due.expected.size]).toEqual([key, 0]);
  });

  it("passes on what a holder left that died, where nothing is changed", async () => {
    for (const [asked, more] of [
      [{ set: { holdUntil: START_S } }, {}],
      [{ set: { note: "n" } }, { ifRevision: 9 }],
      [{ set: { enabled: true } }, {}],
    ] as const) {
      const { change, lease, stored } = withKey();
      lease.abandonedBy = "dead";
      await change(asked, more);
      expect(stored()).toMatchObject({ indeterminate: ["a", "b"], hands: [] });
    }
  });
});

test("a change does what a holder was to do that died", async () => {
  const { change, lease, stored, users, key } = withKey({}, false);
  lease.abandonedBy = "dead";
  await change({ set: { note: "n" } });
  expect(users()).toEqual([key.uuid, key.uuid]);
  expect(stored()).toMatchObject({ indeterminate: [], hands: [] });
});

describe("a lease that is lost", () => {
  it("before the write changes nothing", async () => {
    const { change, lease, clock, due, stored, users, key } = withKey();
    due.expect = async () => {
      lease.lost = true;
      clock.step(9_000);
    };
    await expect(change({ set: { enabled: false, expiresAt: START_S + 60 } })).rejects.toThrow(LeaseHeldError);
    expect([stored(), users()]).toEqual([key, [key.uuid, key.uuid]]);
  });

  it("after it leaves what is expected to the next holder", async () => {
    const { change, lease, clock, due, store } = withKey();
    due.expected.set(1, { at: 5, traffic: null });
    const { change: write } = store;
    store.change = async (...given) => {
      lease.lost = true;
      clock.step(9_000);
      return write.apply(store, given);
    };
    await expect(change({ set: { expiresAt: START_S + 60 } })).rejects.toThrow(LeaseHeldError);
    expect(due.expected.get(1)?.at).toBe(5);
  });

  it("of its external id as well", async () => {
    const { ports, clock, passing, stored, key } = withKey();
    const lease: typeof ports.lease = {
      ...ports.lease,
      holdExternalId: (id, task) =>
        ports.lease.holdExternalId(id, (held) => {
          const mustLast = () => {
            throw new LeaseHeldError(id.externalId);
          };
          clock.step(9_000);
          return task({ ...held, mustLast });
        }),
    };
    const lost = passing(changeKey(request({ set: { externalId: "tg" } }), { ...ports, lease }));
    await expect(lost).rejects.toThrow(LeaseHeldError);
    expect(stored()).toEqual(key);
  });
});

test("a version that arrives late changes nothing", async () => {
  const { change, store, stored, key } = withKey();
  await change({ set: { note: "new" } });
  const after = stored();
  const late = {
    fence: 0,
    uuid: key.uuid,
    name: "late",
    token: key.token,
    changedBy: [],
    changedAt: [],
    outbox: [],
    terms: terms({ revision: 2 }),
  };
  await store.change(1, late);
  expect(stored()).toEqual(after);
});

describe("an external id", () => {
  it("that another key has is taken, and free once that one has another or is deleted", async () => {
    const rig = withKey();
    plant(rig.store, [], { keyId: 2, phase: "active", terms: terms({ externalId: "tg" }) });
    rig.externalIds.entries.set("tg", [2]);
    expect(await rig.change({ set: { externalId: "tg" } })).toMatchObject({ outcome: "taken" });
    expect(rig.stored()?.terms.externalId).toBeNull();

    await rig.change({ set: { externalId: "other" } }, { keyId: 2, job: "change-2" });
    expect(await rig.change({ set: { externalId: "tg" } })).toMatchObject({ outcome: "changed" });
    expect(rig.externalIds.entries.get("tg")).toEqual([1]);
    await rig.store.beginDeletion(1, "delete-1");
    expect(
      await rig.change({ set: { externalId: "tg" } }, { keyId: 2, job: "change-3", deadline: LATE }),
    ).toMatchObject({ outcome: "changed" });
    expect(rig.externalIds.entries.get("tg")).toEqual([2]);
  });

  it("that an unreadable key may have is refused at once, and the caller's own key is not blamed for it", async () => {
    const rig = withKey();
    rig.externalIds.entries.set("tg", [2]);
    const { find } = rig.store;
    rig.store.find = async (keyId) => {
      if (keyId === 2) throw new UnreadableRecordError("key 2");
      return find.call(rig.store, keyId);
    };
    expect(await rig.change({ set: { externalId: "tg" } })).toEqual({
      outcome: "unavailable",
      detail: "another key that can't be read was given external_id tg",
      isStored: false,
    });
    expect(rig.stored()?.terms.externalId).toBeNull();
  });

  it("that two keys want at once goes to one of them", async () => {
    const { ports, store, passing } = withKey();
    plant(store, [], { keyId: 2, phase: "active", terms: terms() });
    const ends = await passing(
      Promise.all(
        [1, 2].map((keyId) =>
          changeKey(request({ set: { externalId: "tg" } }, { keyId, job: `change-${keyId}` }), ports),
        ),
      ),
    );
    expect(ends.map(({ outcome }) => outcome).sort()).toEqual(["changed", "taken"]);
    expect([...store.keys.values()].filter(({ terms: { externalId } }) => externalId === "tg")).toHaveLength(1);
  });
});

test("a change that is stored stands where who is at the key can't be read, for its repeat as well", async () => {
  const { change, store, stored } = withKey();
  const read = store.takeUp.bind(store);
  const unreadable = () => Promise.reject(new UnreadableRecordError("hands: the document 1 makes no sense"));
  const { change: write } = store;
  store.change = async (...version) => {
    await write.apply(store, version);
    return unreadable();
  };
  store.takeUp = unreadable;
  const ban = () => change({ set: { enabled: false } });
  const stands = { outcome: "unavailable", detail: "it is stored, and Xray has not followed yet" };
  expect([await ban(), await ban(), stored()?.terms]).toMatchObject([stands, stands, { enabled: false, revision: 2 }]);
  store.takeUp = read;
  expect(await ban()).toMatchObject({ outcome: "changed" });
});

const killed: [string, Partial<KeyTerms>, KeyChange][] = [
  ["an extension that brings a key back", { expiresAt: START_S - 50 }, { extendSeconds: 3_600_000 }],
  ["an extension that nodes need not know of", { expiresAt: START_S + 900_000 }, { extendSeconds: 600 }],
  ["a ban", {}, { set: { enabled: false } }],
  ["a revocation with a reset", {}, { revokeCredentials: true, revokeLink: true, resetTraffic: true }],
  ["an external id with a limit", {}, { set: { externalId: "tg", trafficLimit: 900 } }],
];

test.each(killed)("a worker that dies at any call of %s leaves all of it or nothing", async (_name, fields, asked) => {
  const calls = await killAtEveryCall(async (die) => {
    const isServed = (fields.expiresAt ?? LATE) > START_S;
    const { ports, passing, stored, store, due, nodes, clock, key } = withKey(fields, isServed);
    const died = await passing(changeKey(request(asked), die(ports)).catch((error: unknown) => error));
    const between = stored();
    if (died instanceof KilledError) expect([1, 2, 3]).toContain(between?.terms.revision);
    const isMade = between?.changedBy.includes("change-1") === true;
    if (!isMade) expect({ ...between, hands: [], indeterminate: [] }).toEqual(key);

    const end = await passing(changeKey(request(asked, { redelivered: true, deadline: LATE }), ports));
    expect(end).toMatchObject({ outcome: "changed", isChanged: true });
    const after = stored();
    if (isMade) expect(after?.terms).toEqual(between.terms);
    const dueFirst = isServed ? 0 : 1;
    expect(after).toMatchObject({ hands: [], changedBy: ["change-1"], terms: { revision: 2 + dueFirst } });
    if (after === undefined) throw new Error("no key");
    const isWanted = after.terms.enabled;
    for (const { users } of Object.values(nodes)) expect(users.get(1)?.uuid).toBe(isWanted ? after.uuid : undefined);
    expect(due.expected.get(1)).toEqual(dueOf(after.terms, clock.now()));
    expect([...store.keys.keys()]).toEqual([1]);
  });
  expect(calls).toBeGreaterThan(3);
});
