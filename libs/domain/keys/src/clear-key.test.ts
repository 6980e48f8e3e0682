import { expect, test } from "vitest";
import { inMemoryLifecycle, plant } from "../test/in-memory-lifecycle.ts";
import { clearKey } from "./clear-key.ts";
import { NodeUnreachableError, NodeIndeterminateError } from "./errors.ts";
import { removeOrphan } from "./remove-orphan.ts";

const converged = ["remove", "remove", "add", "remove"];

test("a key that is deleting leaves every node by one call and is gone", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, Object.values(nodes), { phase: "deleting" });

  expect(await passing(clearKey(key, [], ports))).toBe("cleared");
  expect([nodes.a.calls, nodes.b.calls]).toEqual([["remove"], ["remove"]]);
  expect(store.keys.get(1)?.phase).toBe("gone");
});

test("after a holder that died the node is made to converge, for its calls may still be under way", async () => {
  const { nodes, ports, store, lease, passing } = inMemoryLifecycle();
  lease.abandonedBy = "hand of a dead worker";
  const key = plant(store, Object.values(nodes), { phase: "deleting" });

  expect(await passing(clearKey(key, [], ports))).toBe("cleared");
  expect([nodes.a.calls, nodes.b.calls]).toEqual([converged, converged]);
  expect([nodes.a.users.size, nodes.b.users.size]).toEqual([0, 0]);
});

test("a node that gave no answer keeps the key deleting, and is marked on it", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, Object.values(nodes), { phase: "deleting" });
  nodes.b.onCall = () => {
    throw new NodeIndeterminateError("b", null);
  };

  expect(await passing(clearKey(key, [], ports))).toBe("pending");
  expect(store.keys.get(1)).toMatchObject({ phase: "deleting", indeterminate: ["b"] });
});

test("a node that is surely not reached is not marked", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, Object.values(nodes), { phase: "deleting" });
  nodes.b.onCall = () => {
    throw new NodeUnreachableError("b", null);
  };

  expect(await passing(clearKey(key, [], ports))).toBe("pending");
  expect(store.keys.get(1)).toMatchObject({ phase: "deleting", indeterminate: [] });
});

test.each([
  ["adds the user between our first two removes", 2, "add"],
  ["adds it between our remove and our add", 3, "add"],
  ["removes it between our add and our last remove", 4, "remove"],
] as const)("a node is cleared once more when another call %s", async (_when, at, other) => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, [nodes.a], { phase: "deleting", indeterminate: ["a"] });
  nodes.a.onCall = () => {
    if (nodes.a.calls.length !== at) return;
    if (other === "add") nodes.a.users.set(1, key);
    else nodes.a.users.delete(1);
  };

  expect(await passing(clearKey(key, [], ports))).toBe("pending");
  expect(nodes.a.calls).toEqual(converged);
  expect(store.keys.get(1)).toMatchObject({ phase: "deleting", indeterminate: ["a"], clear: ["b"] });
  expect(await passing(clearKey(key, [], ports))).toBe("cleared");
});

test("a node that is clear is asked for nothing while another one is away", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, Object.values(nodes), { phase: "deleting" });
  nodes.b.onCall = () => {
    throw new NodeUnreachableError("b", null);
  };
  for (let time = 0; time < 3; time += 1) expect(await passing(clearKey(key, [], ports))).toBe("pending");

  expect(nodes.a.calls).toEqual(["remove"]);
  expect(store.keys.get(1)).toMatchObject({ phase: "deleting", clear: ["a"], hands: [] });
});

test("a mark that is made while a node is cleared stays", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, Object.values(nodes), { phase: "deleting" });
  nodes.a.onCall = () => store.markIndeterminate(1, "a");

  await passing(clearKey(key, [], ports));
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", indeterminate: ["a"] });
});

test("nothing more is called, and the key is not gone, once the lease is lost", async () => {
  const { nodes, ports, store, lease, passing } = inMemoryLifecycle();
  const key = plant(store, Object.values(nodes), { phase: "deleting" });
  nodes.a.onCall = () => {
    lease.lost = true;
  };

  expect(await passing(clearKey(key, ["a", "b"], ports))).toBe("held");
  expect(nodes.a.calls).toEqual(["remove"]);
  expect(store.keys.get(1)?.phase).toBe("deleting");
});

test("a key is not gone when the lease was lost during the last call", async () => {
  const { nodes, ports, store, lease, passing } = inMemoryLifecycle();
  const key = plant(store, Object.values(nodes), { phase: "deleting" });
  nodes.b.onCall = () => {
    lease.lost = true;
  };

  expect(await passing(clearKey(key, [], ports))).toBe("held");
  expect(store.keys.get(1)?.phase).toBe("deleting");
});

test("a user without a record is removed twice, a second apart; one whose key is active stays", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, [nodes.a, nodes.b], { phase: "active" });
  expect(await passing(removeOrphan(1, nodes.a, ports))).toBe("kept");
  store.keys.delete(key.keyId);

  expect(await passing(removeOrphan(1, nodes.b, ports))).toBe("removed");
  expect([nodes.a.calls, nodes.b.calls]).toEqual([[], ["remove", "remove"]]);
});

test("an orphan that a clear node got since is removed, although the key is deleting", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, [nodes.a, nodes.b], { phase: "deleting", clear: ["a"] });

  expect(await passing(removeOrphan(1, nodes.b, ports))).toBe("kept");
  expect(await passing(removeOrphan(1, nodes.a, ports))).toBe("removed");
  expect([nodes.a.users.size, nodes.b.users.size]).toEqual([0, 1]);
  expect(store.keys.get(key.keyId)).toMatchObject({ phase: "deleting", indeterminate: [], hands: [] });
});

test("an orphan's node that gave no answer is marked on the key's record", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, [nodes.a], { phase: "deleting", clear: ["a"] });
  nodes.a.onCall = () => {
    throw new NodeIndeterminateError("a", null);
  };

  await expect(passing(removeOrphan(1, nodes.a, ports))).rejects.toThrow(NodeIndeterminateError);
  expect(store.keys.get(key.keyId)).toMatchObject({ phase: "deleting", indeterminate: ["a"] });
});

test("an orphan's node that can't be reached leaves no hand behind, for which the next holder would have to wait", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  const key = plant(store, [nodes.a, nodes.b], { phase: "deleting", clear: ["a"] });
  nodes.a.onCall = () => {
    throw new NodeUnreachableError("a", null);
  };

  await expect(passing(removeOrphan(1, nodes.a, ports))).rejects.toThrow(NodeUnreachableError);
  expect(store.keys.get(key.keyId)).toMatchObject({ indeterminate: [], hands: [] });
  expect(await passing(clearKey(key, [], ports))).toBe("cleared");
  expect(nodes.b.calls).toEqual(["remove"]);
});
