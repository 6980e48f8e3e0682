import { expect, test } from "vitest";
import { inMemoryLifecycle, plant, START_MS } from "../test/in-memory-lifecycle.ts";
import { NodeIndeterminateError, NodeUnreachableError } from "./errors.ts";
import { restoreKey } from "./restore-key.ts";
import { LATE_CALL_MS } from "./timing.ts";

test("a user is restored by one call, and by remove and add where an older call may still come through", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [], { phase: "active", indeterminate: ["b"] });

  expect(await passing(restoreKey(1, nodes.a, ports))).toBe("restored");
  expect([nodes.a.calls, nodes.b.calls]).toEqual([["add"], ["remove, then add", "add"]]);
  expect(store.keys.get(1)?.indeterminate).toEqual([]);
});

test("a user whose key was deleted while it was restored is taken out again", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [], { phase: "active" });
  nodes.a.onCall = async (call) => {
    if (call === "add") await store.beginDeletion(1, "delete-1");
  };

  await passing(restoreKey(1, nodes.a, ports));
  expect(nodes.a.users.size).toBe(0);
});

test("nodes where an older call may still come through are made right together, in the time of one", async () => {
  const { nodes, ports, store, clock } = inMemoryLifecycle();
  plant(store, [nodes.a, nodes.b], { phase: "active", indeterminate: ["a", "b"] });

  const restoring = restoreKey(1, nodes.a, ports);
  await clock.advance(LATE_CALL_MS);
  expect(await restoring).toBe("restored");
  expect(clock.now() - START_MS).toBe(LATE_CALL_MS);
  expect([nodes.a.calls, nodes.b.calls]).toEqual([
    ["remove, then add", "add"],
    ["remove, then add", "add"],
  ]);
  expect(store.keys.get(1)).toMatchObject({ indeterminate: [], hands: [] });
});

test.each([
  ["is known to be away", (b: { reachable: boolean }) => void (b.reachable = false)],
  ["has other groups", (b: { groups: readonly string[] }) => void (b.groups = ["vip"])],
])("another marked node that %s is left to who can", async (_what, change) => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [nodes.a], { phase: "active", indeterminate: ["a", "b"] });
  change(nodes.b);

  expect(await passing(restoreKey(1, nodes.a, ports))).toBe("restored");
  expect(nodes.b.calls).toEqual([]);
  expect(store.keys.get(1)).toMatchObject({ indeterminate: ["b"], hands: [] });
});

test("another marked node that fails stays marked, and is no failure of this one", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [nodes.a], { phase: "active", indeterminate: ["a", "b"] });
  nodes.b.onCall = () => {
    throw new NodeIndeterminateError("b", null);
  };

  expect(await passing(restoreKey(1, nodes.a, ports))).toBe("restored");
  expect(store.keys.get(1)).toMatchObject({ indeterminate: ["b"], hands: [] });
});

test.each([
  ["can't be reached", new NodeUnreachableError("a", null)],
  ["is answered for by somebody else", new NodeIndeterminateError("a", null)],
])("a marked node that %s is known to be away, and costs nobody the wait for older calls", async (_what, error) => {
  const { nodes, ports, store, clock } = inMemoryLifecycle();
  plant(store, [], { phase: "active", indeterminate: ["a"] });
  nodes.a.reachable = false;
  nodes.a.onCall = () => {
    throw error;
  };

  const ended = restoreKey(1, nodes.a, ports).catch((failure: unknown) => failure);
  await clock.advance(1);
  expect(await Promise.race([ended, Promise.resolve("it waits")])).toBe(error);
  expect(store.keys.get(1)).toMatchObject({ indeterminate: ["a"], hands: [] });
});

test("a marked node that answers though it was known to be away is made right once older calls are through", async () => {
  const { nodes, ports, store, clock } = inMemoryLifecycle();
  plant(store, [nodes.a], { phase: "active", indeterminate: ["a"] });
  nodes.a.reachable = false;

  const restoring = restoreKey(1, nodes.a, ports);
  await clock.advance(LATE_CALL_MS);
  expect(await restoring).toBe("restored");
  expect(nodes.a.calls).toEqual(["remove, then add", "remove, then add", "add"]);
  expect(store.keys.get(1)?.indeterminate).toEqual([]);
});

test.each([
  ["can't be reached", new NodeUnreachableError("a", null), []],
  ["gives no answer", new NodeIndeterminateError("a", null), ["a"]],
])("a node that %s costs the others nothing: no hand and no lease is left behind", async (_what, error, marked) => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [], { phase: "active" });
  nodes.a.onCall = () => {
    throw error;
  };

  await expect(passing(restoreKey(1, nodes.a, ports))).rejects.toBe(error);
  expect(store.keys.get(1)).toMatchObject({ indeterminate: marked, hands: [] });
  nodes.a.onCall = () => undefined;
  expect(await passing(restoreKey(1, nodes.b, ports))).toBe("restored");
  expect(nodes.b.calls).toEqual(["add"]);
});
