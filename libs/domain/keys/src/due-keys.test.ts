import type { EventType } from "@veil/events";
import { describe, expect, it, test } from "vitest";
import { KilledError, killAtEveryCall } from "../test/dying-ports.ts";
import { inMemoryLifecycle, plant, START_MS } from "../test/in-memory-lifecycle.ts";
import { changeKey } from "./change-key.ts";
import { applyDueTerms } from "./due-keys.ts";
import { dueOf } from "./due-of.ts";
import { NodeIndeterminateError, NodeUnreachableError, UnreadableRecordError } from "./errors.ts";
import { firstTerms, type KeyTerms } from "./terms/key-terms.ts";

const START_S = START_MS / 1_000;
const OVER = { expiresAt: START_S };
const LIMITED = { trafficLimit: 50, limitedAt: START_S - 9 };

/** A key that is due at the start, with its user in both nodes unless it is out of service. */
function withDue(fields: Partial<KeyTerms>, isInNodes = true) {
  const rig = inMemoryLifecycle();
  const terms = { ...firstTerms({}, { createdAt: START_S - 100, nextResetAt: null }), ...fields };
  const key = plant(rig.store, isInNodes ? Object.values(rig.nodes) : [], { phase: "active", terms });
  rig.due.expected.set(1, dueOf(terms, START_MS - 1));
  const look = async (ports = rig.ports) => (await rig.passing(applyDueTerms([1], ports))).get(1);
  const users = () => Object.values(rig.nodes).map(({ users: held }) => held.has(1));
  const stored = () => rig.store.keys.get(1);
  return { ...rig, key, look, users, stored };
}

describe("a key that has expired", () => {
  it("leaves every node, and is reported", async () => {
    const { look, users, stored, due, hints } = withDue(OVER);
    expect(await look()).toBe("applied");
    expect(users()).toEqual([false, false]);
    expect(stored()).toMatchObject({ terms: { revision: 2, isExpiryCounted: true }, hands: [], phase: "active" });
    const step = { at: START_S, actor: { name: "system" }, was: { terms: { isExpiryCounted: false } } };
    expect(stored()?.outbox).toMatchObject([{ ...step, events: [{ type: "key.expired" }] }]);
    expect(hints.expected).toEqual([{ subject: "key:1", isReady: true }]);
    expect(due.expected.get(1)).toEqual({ at: null, traffic: null });
  });

  it("goes on being expected for what else is due", async () => {
    const nextResetAt = START_S + 3_600;
    const { look, due } = withDue({ ...OVER, trafficReset: "day", nextResetAt, trafficLimit: 5 });
    await look();
    expect(due.expected.get(1)).toEqual({ at: nextResetAt * 1_000, traffic: null });
  });

  it("leaves the nodes that can be reached, and a mark where none answered", async () => {
    for (const [error, indeterminate] of [
      [new NodeUnreachableError("a", null), []],
      [new NodeIndeterminateError("a", null), ["a"]],
    ] as const) {
      const { look, nodes, users, stored } = withDue(OVER);
      nodes.a.onCall = () => {
        throw error;
      };
      expect(await look()).toBe("applied");
      expect(users()).toEqual([true, false]);
      expect(stored()).toMatchObject({ indeterminate, hands: [] });
    }
  });
});

test("a limit is stored once it is reached, without another revision, and the key leaves every node", async () => {
  const { look, users, stored, lifetime } = withDue({ trafficLimit: 50 });
  await look();
  expect([users(), stored()?.terms.limitedAt]).toEqual([[true, true], null]);
  lifetime.set(1, { upload: 20, download: 30 });
  await look();
  expect([users(), stored()?.terms]).toMatchObject([[false, false], { revision: 1 }]);
  expect(stored()?.terms.limitedAt).not.toBeNull();
});

test("a reset brings a limited key back", async () => {
  const { look, users, stored, lifetime, due } = withDue(
    { ...LIMITED, trafficReset: "day", nextResetAt: START_S },
    false,
  );
  lifetime.set(1, { upload: 20, download: 30 });
  await look();
  expect(users()).toEqual([true, true]);
  expect(stored()?.terms).toMatchObject({ limitedAt: null, revision: 2, usedFrom: { upload: 20, download: 30 } });
  expect(due.expected.get(1)).toEqual({ at: (stored()?.terms.nextResetAt ?? 0) * 1_000, traffic: 100 });
});

test("a key that a reset brings back is expected to expire", async () => {
  const back = { ...LIMITED, trafficReset: "day", nextResetAt: START_S, expiresAt: START_S + 300 } as const;
  const { look, users, due } = withDue(back, false);
  await look();
  expect([users(), due.expected.get(1)?.at]).toEqual([[true, true], (START_S + 300) * 1_000]);
});

test("a reset of a key below its limit asks no node", async () => {
  const { look, nodes } = withDue({ trafficLimit: 50, trafficReset: "day", nextResetAt: START_S });
  await look();
  expect([...nodes.a.calls, ...nodes.b.calls]).toEqual([]);
});

test("a hold that ends begins the term, and its end is expected", async () => {
  const { look, stored, due } = withDue({ holdFor: 600, holdUntil: START_S });
  await look();
  expect(stored()?.terms).toMatchObject({ expiresAt: START_S + 600, holdFor: null, revision: 2 });
  expect(due.expected.get(1)).toEqual({ at: (START_S + 600) * 1_000, traffic: null });
});

test("of a key that is gone nothing is expected any more", async () => {
  const { look, store, due, nodes } = withDue(OVER);
  await store.beginDeletion(1, "delete-1");
  expect(await look()).toBe("gone");
  expect(due.expected.get(1)).toEqual({ at: null, traffic: null });
  expect(nodes.a.calls).toEqual([]);
});

test("a key that others hold is looked at again within a second, whatever becomes of the others", async () => {
  const { look, lease, due, users, ports } = withDue(OVER);
  lease.held = true;
  expect((await applyDueTerms([1], ports)).get(1)).toBe("later");
  expect(due.dueAt(START_MS + 1_000)).toEqual([1]);
  plant(ports.store as never, [], { keyId: 2, phase: "active" });
  lease.held = false;
  expect(await look()).toBe("applied");
  expect(users()).toEqual([false, false]);
});

test.each(["key", "traffic"])("a %s whose record makes no sense waits to be mended, and keeps no other", async (of) => {
  const { due, store, ports, users, passing } = withDue(OVER);
  const terms = { ...firstTerms({}, { createdAt: START_S, nextResetAt: null }), trafficLimit: 50 };
  plant(store, [], { keyId: 2, phase: "active", terms });
  const onlyOfOthers =
    <Result>(read: (keyId: number) => Promise<Result>) =>
    async (keyId: number) => {
      if (keyId === 2) throw new UnreadableRecordError("of a newer version");
      return read(keyId);
    };
  if (of === "key") store.find = onlyOfOthers(store.find.bind(store));
  const traffic = { ...ports.traffic, movedBy: onlyOfOthers(ports.traffic.movedBy) };
  const ends = await passing(applyDueTerms([2, 1], of === "key" ? ports : { ...ports, traffic }));
  expect([ends.get(1), ends.get(2), users()]).toEqual(["applied", "later", [false, false]]);
  expect(due.expected.get(2)).toEqual({ at: START_MS + 3_600_000, traffic: null });
});

test("a key of which the store takes no change is looked at again later", async () => {
  const { look, due, store } = withDue({ ...OVER, trafficReset: "day", nextResetAt: START_S });
  store.change = () => Promise.reject(new UnreadableRecordError("a change of it was refused"));
  expect(await look()).toBe("later");
  expect(due.expected.get(1)).toEqual({ at: START_MS + 3_600_000, traffic: null });
});

test("what becomes due while a look is under way stays due", async () => {
  const { look, due, clock, ports } = withDue({ expiresAt: START_S + 2, trafficReset: "day", nextResetAt: START_S });
  const { replace } = due;
  due.replace = async (...given) => {
    clock.step(3_000);
    await replace.apply(due, given);
  };
  await look(ports);
  expect(due.dueAt(clock.now())).toEqual([1]);
});

test("a lease that is lost before the write changes nothing, and leaves the key due", async () => {
  const { look, lease, ports, stored, users, due, key } = withDue({
    ...OVER,
    trafficReset: "day",
    nextResetAt: START_S,
  });
  const traffic = {
    ...ports.traffic,
    movedBy: async () => {
      lease.lost = true;
      return ports.traffic.movedBy(1);
    },
  };
  expect(await look({ ...ports, traffic })).toBe("later");
  expect([stored()?.terms, users()]).toEqual([key.terms, [true, true]]);
  expect(due.dueAt(START_MS + 1_000)).toEqual([1]);
});

test("a look that comes late finds what a caller has changed meanwhile, and undoes none of it", async () => {
  const { look, ports, passing, users, stored, clock } = withDue(OVER);
  const extend = {
    keyId: 1,
    owner: null,
    job: "change-1",
    redelivered: false,
    ifRevision: null,
    change: { extendSeconds: 3_600 },
  };
  await passing(changeKey({ ...extend, deadline: clock.now() + 8_000 }, ports));
  const after = stored();
  expect(await look()).toBe("applied");
  expect([users(), stored()]).toEqual([[true, true], after]);
});

const DUE: readonly [string, Partial<KeyTerms>, boolean, number, EventType[]][] = [
  ["an expiry", OVER, true, 2, ["key.expired"]],
  ["a limit", { trafficLimit: 50 }, true, 1, ["key.limited"]],
  [
    "a reset that brings a key back",
    { ...LIMITED, trafficReset: "day", nextResetAt: START_S },
    false,
    2,
    ["key.traffic_reset"],
  ],
  [
    "a hold that is over with its term",
    { holdFor: 60, holdUntil: START_S - 60 },
    true,
    3,
    ["key.updated", "key.expired"],
  ],
];

test.each(DUE)(
  "a worker that dies at any call of %s leaves it due, the next one ends it, and it is reported once",
  async (_name, fields, isInNodes, revision, reported) => {
    const calls = await killAtEveryCall(async (die) => {
      const { look, ports, due, hints, users, stored, lifetime, clock } = withDue(fields, isInNodes);
      lifetime.set(1, { upload: 0, download: 60 });
      due.expected.set(1, { at: START_MS, traffic: null });
      const died = await look(die(ports)).catch((error: unknown) => error);
      const isDone = users().every((held) => held === !isInNodes);
      if (died instanceof KilledError && !isDone) expect(due.dueAt(clock.now())).toEqual([1]);
      expect(await look()).toBe("applied");
      expect(users()).toEqual([!isInNodes, !isInNodes]);
      const after = stored();
      if (after === undefined) throw new Error("no key");
      expect(after.hands).toEqual([]);
      expect(due.expected.get(1)).toEqual(dueOf(after.terms, clock.now()));
      expect(after.terms.revision).toBe(revision);
      const events = after.outbox.flatMap((step) => step.events);
      expect(events.map(({ type }) => type)).toEqual(reported);
      expect(new Set(events.map(({ id }) => id)).size).toBe(reported.length);
      expect(hints.expected[0]?.subject).toBe("key:1");
    });
    expect(calls).toBeGreaterThan(5);
  },
);
