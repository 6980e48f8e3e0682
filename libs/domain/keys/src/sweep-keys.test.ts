import { expect, test } from "vitest";
import { inMemoryLifecycle, plant, plantCreation, START_MS } from "../test/in-memory-lifecycle.ts";
import { NodeUnreachableError, UnreadableRecordError } from "./errors.ts";
import { sweepKeys } from "./sweep-keys.ts";

test("a deletion that no job finishes is finished, and converges the nodes that are indeterminate alone", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, Object.values(nodes), { phase: "deleting", indeterminate: ["b"] });

  expect(await passing(sweepKeys(ports))).toEqual({ overdue: 0, deleting: 1, cleared: 1 });
  expect([nodes.a.calls, nodes.b.calls]).toEqual([["remove"], ["remove", "remove", "add", "remove"]]);
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", indeterminate: [], hands: [] });
});

test("while one node is away sweeps ask nothing of it, and put nothing back on the healthy one", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  for (let keyId = 1; keyId <= 20; keyId += 1) {
    plant(store, Object.values(nodes), { keyId, phase: "deleting", indeterminate: keyId % 2 === 0 ? ["b"] : [] });
  }
  nodes.b.reachable = false;
  nodes.b.onCall = () => {
    throw new NodeUnreachableError("b", null);
  };
  for (let time = 0; time < 5; time += 1) {
    expect(await passing(sweepKeys(ports))).toEqual({ overdue: 0, deleting: 20, cleared: 0 });
  }
  expect(nodes.a.calls).toEqual(Array.from({ length: 20 }, () => "remove"));
  expect(nodes.b.calls).toHaveLength(20);

  nodes.b.reachable = true;
  nodes.b.onCall = () => undefined;
  expect(await passing(sweepKeys(ports))).toEqual({ overdue: 0, deleting: 20, cleared: 20 });
  expect([nodes.a.calls.length, nodes.a.users.size, nodes.b.users.size]).toEqual([20, 0, 0]);
});

test("a key that is clear of all nodes that there are only loses its record, whatever nodes there were", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [], { phase: "deleting", clear: ["a", "b"], indeterminate: ["taken out"] });

  expect(await passing(sweepKeys(ports))).toMatchObject({ cleared: 1 });
  expect([...nodes.a.calls, ...nodes.b.calls]).toEqual([]);
  expect(store.keys.get(1)?.phase).toBe("gone");
});

test("a creation is refused once its deadline is over for all clocks, not before", async () => {
  const { nodes, ports, store, clock, passing } = inMemoryLifecycle();
  nodes.a.users.set(1, plantCreation(store, START_MS));
  await clock.advance(1_500);
  expect(await sweepKeys(ports)).toEqual({ overdue: 0, deleting: 0, cleared: 0 });

  await clock.advance(1_000);
  expect(await passing(sweepKeys(ports))).toEqual({ overdue: 1, deleting: 1, cleared: 1 });
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", activated: false });
  expect(nodes.a.users.size).toBe(0);
});

test("a key, and a creation, of which the store takes no change keep no other one from being finished", async () => {
  const { nodes, ports, store, clock, passing } = inMemoryLifecycle();
  for (const keyId of [11, 12]) plant(store, Object.values(nodes), { keyId, phase: "deleting" });
  const creation = plantCreation(store, START_MS);
  store.creations.set("create-2", { ...creation, keyId: 2, job: "create-2" });
  await clock.advance(2_500);
  const { takeUp, decide } = store;
  const refuse = (keyId: number) => {
    if (keyId === 1 || keyId === 11) throw new UnreadableRecordError(`keys: the document ${keyId} can't be changed`);
  };
  store.takeUp = async (keyId, entry) => {
    refuse(keyId);
    return takeUp.call(store, keyId, entry);
  };
  store.decide = async (decision) => {
    refuse(decision.keyId);
    return decide.call(store, decision);
  };
  expect(await passing(sweepKeys(ports))).toEqual({ overdue: 1, deleting: 3, cleared: 2 });
  expect([2, 12].map((keyId) => store.keys.get(keyId)?.phase)).toEqual(["gone", "gone"]);
});
