import { expect, test } from "vitest";
import { inMemoryLifecycle, plant } from "../test/in-memory-lifecycle.ts";
import { clearKey } from "./clear-key.ts";
import { restoreKey } from "./restore-key.ts";
import { removeOrphan } from "./remove-orphan.ts";
import { retireKey } from "./retire-key.ts";
import { LEASE_MS } from "./timing.ts";

const converged = ["remove", "remove", "add", "remove"];

test("a hand is let go of when everything is done", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [nodes.a], { phase: "active" });
  await passing(restoreKey(1, nodes.b, ports));
  expect(store.keys.get(1)?.hands).toEqual([]);
  await passing(retireKey({ keyId: 1, owner: null, job: "delete-1", deadline: Infinity, redelivered: false }, ports));
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", hands: [] });
});

test("whoever finds another hand that the lease knows nothing of waits it out before the first call", async () => {
  const { nodes, ports, store, clock, passing } = inMemoryLifecycle();
  plant(store, Object.values(nodes), { phase: "active", hands: ["forgotten by Redis"] });
  const deleting = retireKey({ keyId: 1, owner: null, job: "delete-1", deadline: Infinity, redelivered: false }, ports);
  await clock.advance(LEASE_MS - 1);
  expect(store.keys.get(1)).toMatchObject({ phase: "deleting", hands: ["forgotten by Redis", "hand-1"] });
  expect([...nodes.a.calls, ...nodes.b.calls]).toEqual([]);

  expect(await passing(deleting)).toEqual({ outcome: "deleted" });
  expect([nodes.a.calls, nodes.b.calls]).toEqual([converged, converged]);
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", hands: [], indeterminate: [] });
});

test("a hand is waited for no longer than its own lease: one whose lease ran out is replaced at once", async () => {
  const { nodes, ports, store, lease, clock } = inMemoryLifecycle();
  lease.abandonedBy = "dead";
  const key = plant(store, Object.values(nodes), { phase: "deleting", hands: ["dead"] });
  const clearing = clearKey(key, [], ports);
  await clock.advance(1_000);
  expect(await clearing).toBe("cleared");
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", hands: [] });
});

test("nothing is called when the lease was lost while another hand was waited for", async () => {
  const { nodes, ports, store, lease, passing } = inMemoryLifecycle();
  const key = plant(store, Object.values(nodes), { phase: "deleting", hands: ["other"] });
  lease.lost = true;
  expect(await passing(clearKey(key, [], ports))).toBe("held");
  expect([...nodes.a.calls, ...nodes.b.calls]).toEqual([]);
});

test("a key that was deleted while another hand was waited for is not restored", async () => {
  const { nodes, ports, store, clock, passing } = inMemoryLifecycle();
  plant(store, [], { phase: "active", hands: ["other"] });
  const restoring = restoreKey(1, nodes.a, ports);
  await clock.advance(LEASE_MS - 1);
  await store.finishDeletion(1, ["other"]);
  expect(await passing(restoring)).toBe("kept");
  expect(nodes.a.calls).toEqual([]);
});

test.each([
  ["that is active", "active"],
  ["that others delete", "deleting"],
] as const)(
  "what an abandoned lease tells of a key %s is not forgotten when nothing is to be done",
  async (_, phase) => {
    const { nodes, ports, store, lease, passing } = inMemoryLifecycle();
    lease.abandonedBy = "dead";
    plant(store, Object.values(nodes), { phase, hands: ["dead"], deleter: phase === "deleting" ? "delete-0" : null });
    expect(await passing(removeOrphan(1, nodes.a, ports))).toBe("kept");
    expect(store.keys.get(1)).toMatchObject({ phase, hands: [], indeterminate: ["a", "b"] });
  },
);
