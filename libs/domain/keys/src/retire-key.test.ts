import { expect, test } from "vitest";
import { inMemoryLifecycle, plant, START_MS } from "../test/in-memory-lifecycle.ts";
import { NodeUnreachableError, StoreRejectedError, UnreadableRecordError } from "./errors.ts";
import { provisionKey } from "./provision-key.ts";
import { retireKey } from "./retire-key.ts";
import { sweepKeys } from "./sweep-keys.ts";
import { NO_NOTICES } from "./terms/notices.ts";

const request = { keyId: 1, owner: null, job: "delete-1", deadline: START_MS + 600_000, redelivered: false };

test("a deletion whose first write the store refuses is over at once, unless an earlier delivery may have begun it", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [nodes.a, nodes.b], { phase: "active" });
  const beginDeletion = () => Promise.reject(new StoreRejectedError(new Error("OutOfDiskSpace")));
  const refusing = { ...ports, store: Object.assign(Object.create(ports.store), { beginDeletion }) };

  expect(await passing(retireKey(request, refusing))).toEqual({
    outcome: "unavailable",
    detail: "the key store refuses writes",
  });
  await expect(passing(retireKey({ ...request, redelivered: true }, refusing))).rejects.toThrow(StoreRejectedError);
  expect(nodes.a.users.size).toBe(1);
  expect(await passing(retireKey(request, ports))).toEqual({ outcome: "deleted" });
});

test("a deletion that is begun stands where who is at the key can't be read", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [nodes.a], { phase: "active" });
  const unreadable = () => Promise.reject(new UnreadableRecordError("hands: the document 1 makes no sense"));
  const { beginDeletion } = store;
  store.beginDeletion = unreadable;
  await expect(passing(retireKey(request, ports))).rejects.toThrow(UnreadableRecordError);
  store.beginDeletion = async (...begun) => {
    await beginDeletion.apply(store, begun);
    return unreadable();
  };
  const stands = { outcome: "unavailable", detail: "it is stored, and Xray has not followed yet" };
  expect([await passing(retireKey(request, ports)), store.keys.get(1)?.phase]).toMatchObject([stands, "deleting"]);
  await expect(passing(retireKey({ ...request, job: "delete-2" }, ports))).rejects.toThrow(UnreadableRecordError);
  store.beginDeletion = beginDeletion;
  expect(await passing(retireKey(request, ports))).toEqual({ outcome: "deleted" });
});

test("of a key that was deleted nothing is expected any more, so that keys which come and go leave nothing in Redis", async () => {
  const { due, passing, nodes, ...rig } = inMemoryLifecycle();
  const ports = { ...rig.ports, notices: { ...NO_NOTICES, firstConnections: true } };
  const requested = { name: null, owner: null, terms: { expiresAt: START_MS / 1_000 + 3_600 } };
  await passing(provisionKey({ job: "create-1", requested, deadline: START_MS + 8_000, redelivered: false }, ports));
  expect(due.expected.get(1)).toEqual({ at: START_MS + 3_600_000, traffic: 1 });

  nodes.b.onCall = () => {
    throw new NodeUnreachableError("b", null);
  };
  await passing(retireKey(request, ports));
  nodes.b.onCall = () => undefined;
  await passing(sweepKeys(ports));
  expect([rig.store.keys.get(1)?.phase, due.expected.get(1)]).toEqual(["gone", { at: null, traffic: null }]);
});
