import { SharedClock } from "@veil/runtime";
import { describe, expect, test, vi } from "vitest";
import { inMemoryLifecycle, plant, plantCreation, START_MS } from "../test/in-memory-lifecycle.ts";
import {
  NodeRejectedError,
  NodeUnreachableError,
  NodeIndeterminateError,
  StoreRejectedError,
  StoreUnavailableError,
} from "./errors.ts";
import { cancelCreation } from "./cancel-creation.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import { type ProvisionRequest, provisionKey } from "./provision-key.ts";

const converged = ["remove", "remove", "add", "remove"];

const request: ProvisionRequest = {
  job: "create-1",
  requested: { name: "Ada", owner: null, terms: {} },
  deadline: START_MS + 8_000,
  redelivered: false,
};

const refuse = () => Promise.reject(new StoreRejectedError(new Error("OutOfDiskSpace")));

test("a key is created in every node, once", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const result = await passing(provisionKey(request, ports));

  expect(result).toMatchObject({ outcome: "created", key: { name: "Ada", phase: "active", indeterminate: [] } });
  expect([...nodes.a.users.keys(), ...nodes.b.users.keys()]).toEqual([1, 1]);
  expect(store.keys.size).toBe(1);
});

test.each([
  { terms: {}, groups: ["default"] },
  { terms: { groups: ["vip"], expiresAt: START_MS / 1_000 + 60 }, groups: ["vip"] },
  { terms: { enabled: false }, groups: [] },
  { terms: { groups: ["vip"], expiresAt: START_MS / 1_000 - 60 }, groups: [] },
])(
  "an inbound that is rebuilt meanwhile gets the user of a key with $terms for groups $groups",
  async ({ terms, groups }) => {
    const { ports, store, passing } = inMemoryLifecycle();
    const asked = { ...request, requested: { ...request.requested, terms } };
    expect(await passing(provisionKey(asked, ports))).toMatchObject({ outcome: "created" });
    expect((await store.findCreation(request.job))?.groups).toEqual(groups);
  },
);

test("a node that gave no answer is marked on the key", async () => {
  const { nodes, ports, passing } = inMemoryLifecycle();
  nodes.b.onCall = () => {
    throw new NodeIndeterminateError("b", null);
  };
  const result = await passing(provisionKey(request, ports));

  expect(result).toMatchObject({ outcome: "created", key: { indeterminate: ["b"] } });
});

test("a key that was cancelled while its users were added stays in no node", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  nodes.a.onCall = async (call) => {
    nodes.a.onCall = () => undefined;
    if (call === "add")
      await store.decide({ ...plantCreation(store, request.deadline), phase: "deleting", indeterminate: [] });
  };
  const result = await passing(provisionKey(request, ports));

  expect(result.outcome).toBe("failed");
  expect([nodes.a.users.size, nodes.b.users.size]).toEqual([0, 0]);
  expect(store.keys.get(1)?.phase).toBe("gone");
});

test.each([9_000, -9_000, 3_600_000, -3_600_000])(
  "a creation is decided by the shared clock on a worker whose own is %d ms off",
  async (aheadMs) => {
    const { ports, clock, passing } = inMemoryLifecycle();
    clock.step(aheadMs);
    const shared = new SharedClock(clock);
    shared.take({ time: START_MS, askedAt: clock.monotonic(), answeredAt: clock.monotonic() });
    const result = await passing(provisionKey(request, { ...ports, clock: shared }));
    expect(result).toMatchObject({ outcome: "created", key: { createdAt: START_MS / 1_000 } });

    await clock.advance(0);
    const late = { ...request, job: "create-2", deadline: shared.now() - 1 };
    expect(await passing(provisionKey(late, { ...ports, clock: shared }))).toMatchObject({ outcome: "unavailable" });
  },
);

test("a creation is not begun when its decision might land after the deadline", async () => {
  const { nodes, ports, store, clock, passing } = inMemoryLifecycle();
  await clock.advance(7_700);
  const result = await passing(provisionKey(request, ports));

  expect(result).toEqual({ outcome: "unavailable", detail: "the deadline has passed" });
  expect(nodes.a.calls).toEqual([]);
  expect(store.keys.get(1)?.phase).toBe("gone");
});

test("of a key that no node took nothing is expected any more", async () => {
  const { nodes, ports, due, passing } = inMemoryLifecycle();
  for (const node of Object.values(nodes)) {
    node.onCall = () => {
      throw new NodeUnreachableError(node.name, null);
    };
  }
  const asked = { ...request, requested: { ...request.requested, terms: { trafficLimit: 50 } } };
  expect(await passing(provisionKey(asked, ports))).toMatchObject({ outcome: "unavailable" });
  expect([...due.expected.values()]).toEqual([{ at: null, traffic: null }]);
});

test("a creation whose claim the store refuses is over at once, unless an earlier delivery may have begun it", async () => {
  const { nodes, ports, passing } = inMemoryLifecycle();
  const refusing = { ...ports, store: Object.assign(Object.create(ports.store), { claim: refuse }) };
  expect(await passing(provisionKey(request, refusing))).toEqual({
    outcome: "unavailable",
    detail: "the key store refuses writes",
  });
  await expect(passing(provisionKey({ ...request, redelivered: true }, refusing))).rejects.toThrow(StoreRejectedError);
  expect(nodes.a.calls).toEqual([]);
});

test("a decision that is repeated until the deadline is one against the key", async () => {
  const { nodes, ports, store, clock, passing } = inMemoryLifecycle();
  store.beforeDecision = () => {
    if (clock.now() < request.deadline) throw new StoreUnavailableError(null);
  };
  const result = await passing(provisionKey(request, ports));

  expect(result.outcome).toBe("failed");
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", activated: false });
  expect([nodes.a.users.size, nodes.b.users.size]).toEqual([0, 0]);
});

test("a second delivery of a job that decided answers what was decided, and asks no node", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plantCreation(store, request.deadline);
  plant(store, [nodes.a, nodes.b], { phase: "active" });
  const result = await passing(provisionKey({ ...request, redelivered: true }, ports));

  expect(result.outcome).toBe("created");
  expect([...nodes.a.calls, ...nodes.b.calls]).toEqual([]);
});

test("a second delivery that finds the key deleted makes sure that the first one left nothing", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plantCreation(store, request.deadline);
  plant(store, [], { phase: "gone", deleter: "delete-1" });
  const result = await passing(provisionKey({ ...request, redelivered: true }, ports));

  expect(result.outcome).toBe("created");
  expect([nodes.a.calls, nodes.b.calls]).toEqual([converged, converged]);
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", indeterminate: [] });
});

test("a delivery that finds its key deleted by others marks it, also while those are at it", async () => {
  const { nodes, ports, store, lease, passing } = inMemoryLifecycle();
  nodes.b.onCall = async (call) => {
    if (call !== "add") return;
    plant(store, [], { phase: "deleting", deleter: "delete-1" });
    lease.held = true;
  };
  await passing(provisionKey(request, ports));

  expect(store.keys.get(1)).toMatchObject({ phase: "deleting", indeterminate: ["a", "b"] });
});

test("a node that had the user already is indeterminate: another delivery may still be at it", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  nodes.b.users.set(1, plantCreation(store, request.deadline));
  store.creations.clear();
  const result = await passing(provisionKey(request, ports));

  expect(result).toMatchObject({ outcome: "created", key: { indeterminate: ["b"] } });
});

test("a creation fails when the node that its link leads to can't be reached, and leaves nothing on others", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  nodes.a.onCall = () => {
    throw new NodeUnreachableError("a", null);
  };
  const result = await passing(provisionKey(request, ports));

  expect(result).toEqual({ outcome: "unavailable", detail: "the Xray node that its link leads to can't be reached" });
  expect(nodes.b.users.size).toBe(0);
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", activated: false });
});

test("while that node is known to be away no other one is asked", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  nodes.a.reachable = false;
  nodes.a.onCall = () => {
    throw new NodeUnreachableError("a", null);
  };
  expect(await passing(provisionKey(request, ports))).toMatchObject({ outcome: "unavailable" });
  expect([nodes.a.calls, nodes.b.calls]).toEqual([["add"], []]);
  expect(store.keys.get(1)?.phase).toBe("gone");
});

test("a node that is back before that is known takes the key, and so do the others", async () => {
  const { nodes, ports, passing } = inMemoryLifecycle();
  nodes.a.reachable = false;
  expect(await passing(provisionKey(request, ports))).toMatchObject({ outcome: "created" });
  expect([nodes.a.users.size, nodes.b.users.size]).toEqual([1, 1]);
});

test.each([
  ["a", ["a", "b"]],
  ["b", ["a"]],
] as const)("node %s may be away when links lead to %j", async (away, linkedNodes) => {
  const { nodes, ports, passing } = inMemoryLifecycle();
  nodes[away].reachable = false;
  nodes[away].onCall = () => {
    throw new NodeUnreachableError(away, null);
  };
  expect(await passing(provisionKey(request, { ...ports, linkedNodes: () => linkedNodes }))).toMatchObject({
    outcome: "created",
  });
});

test("a key that no host is meant for is made whether nodes answer or not, and leads to those that do", async () => {
  const { nodes, ports, passing } = inMemoryLifecycle();
  nodes.a.onCall = () => {
    throw new NodeUnreachableError("a", null);
  };
  const linkedNodes = vi.fn<LifecyclePorts["linkedNodes"]>(() => null);
  expect(await passing(provisionKey(request, { ...ports, linkedNodes }))).toMatchObject({ outcome: "created" });
  expect(linkedNodes).toHaveBeenCalledWith({ keyId: 1, groups: ["default"] });
  expect([nodes.a.users.size, nodes.b.users.size]).toEqual([0, 1]);
});

test("no key is left when no node can be reached", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  for (const node of Object.values(nodes)) {
    node.onCall = () => {
      throw new NodeUnreachableError(node.name, null);
    };
  }
  const result = await passing(provisionKey(request, ports));

  expect(result).toEqual({ outcome: "unavailable", detail: "no Xray node can be reached" });
  expect(store.keys.get(1)?.phase).toBe("gone");
});

test.each([
  [["draining"], "drained; undrain one or add another"],
  [["draining", "joining"], "being filled with users or drained; try again soon"],
  [["disabled"], "being deleted; undrain one or add another"],
  [[], "changing; try again soon"],
] as const)("a creation whose nodes are %j says so, and leaves nothing", async (states, said) => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const idle = { ...ports, linkedNodes: () => [], idleStates: () => states };
  const detail = `no Xray node of its groups is active: they are ${said}`;
  expect(await passing(provisionKey(request, idle))).toEqual({ outcome: "unavailable", detail });
  expect([nodes.a.users.size, nodes.b.users.size]).toEqual([0, 0]);
  expect(store.keys.get(1)?.phase).toBe("gone");
});

test("a creation says that one node refuses it while the other can't be reached", async () => {
  const { nodes, ports, passing } = inMemoryLifecycle();
  nodes.a.onCall = () => {
    throw new NodeRejectedError("a", null);
  };
  nodes.b.onCall = () => {
    throw new NodeUnreachableError("b", null);
  };
  const both = { ...ports, linkedNodes: () => ["a", "b"] };
  const detail = "no Xray node that can be reached takes the key";
  expect(await passing(provisionKey(request, both))).toEqual({ outcome: "unavailable", detail });
});

test("a cancellation takes an active key out of every node", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  await passing(provisionKey(request, ports));
  await passing(cancelCreation(request.job, ports));

  expect(store.keys.get(1)).toMatchObject({ phase: "gone", cancelled: true });
  expect([nodes.a.users.size, nodes.b.users.size]).toEqual([0, 0]);
});

describe("a key with terms", () => {
  const START_S = START_MS / 1_000;
  const withTerms = (terms: ProvisionRequest["requested"]["terms"]) => ({
    ...request,
    requested: { name: null, owner: null, terms },
  });

  test.each([[{ enabled: false }], [{ expiresAt: START_S }], [{ expiresAt: 1 }]])(
    "that is made out of service, %j, is in no node",
    async (terms) => {
      const { nodes, ports, passing } = inMemoryLifecycle();
      expect(await passing(provisionKey(withTerms(terms), ports))).toMatchObject({
        outcome: "created",
        key: { phase: "active", terms: { ...terms, revision: 1 } },
      });
      expect([...nodes.a.calls, ...nodes.b.calls]).toEqual([]);
    },
  );

  test("is expected by its date and its bytes before it is there", async () => {
    const { store, due, ports, passing } = inMemoryLifecycle();
    let expected: unknown;
    store.beforeDecision = ({ keyId }) => void (expected = due.expected.get(keyId));
    await passing(provisionKey(withTerms({ expiresAt: START_S + 60, trafficLimit: 7 }), ports));
    expect(expected).toEqual({ at: START_MS + 60_000, traffic: 7 });
    const resets = withTerms({ trafficReset: "day" });
    await passing(provisionKey({ ...resets, job: "create-2", deadline: START_MS + 99_000 }, ports));
    expect(store.keys.get(2)?.terms.nextResetAt).toBe((Math.floor(START_S / 86_400) + 1) * 86_400);
  });

  test.each([
    ["expires", { expiresAt: START_S + 2 }],
    ["begins its term", { holdFor: 3_600, holdUntil: START_S + 2 }],
    ["is to be reset", { trafficReset: "day" as const }],
  ])("that %s while it is made is looked at, though a look came before it was there", async (_name, terms) => {
    const { nodes, store, due, clock, ports, passing } = inMemoryLifecycle();
    const midnight = (Math.floor(START_S / 86_400) + 1) * 86_400_000;
    if ("trafficReset" in terms) clock.step(midnight - START_MS - 2_000);
    nodes.a.onCall = () => clock.step(3_000);
    let isLooked = false;
    store.beforeDecision = ({ keyId }) => {
      // A look that finds no key does the same.
      if (!isLooked) due.expected.set(keyId, { at: null, traffic: null });
      isLooked = true;
    };
    const result = await passing(provisionKey({ ...withTerms(terms), deadline: clock.now() + 8_000 }, ports));
    expect(result.outcome).toBe("created");
    expect(due.dueAt(clock.now())).toEqual([1]);
  });

  test("is looked at as well when its worker died right after the decision", async () => {
    const { store, due, clock, ports, passing } = inMemoryLifecycle();
    const asked = withTerms({ expiresAt: START_S + 2 });
    await passing(provisionKey(asked, ports));
    due.expected.clear();
    await passing(provisionKey({ ...asked, redelivered: true }, ports));
    expect(due.dueAt(clock.now())).toEqual([1]);
    expect(store.keys.size).toBe(1);
  });
});
