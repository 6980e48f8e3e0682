import type { Delivery } from "@veil/job-queue";
import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { inMemoryLifecycle, plant } from "@veil/keys/testing";
import { expect, it } from "vitest";
import { inMemoryKeyHandlers } from "../../test/support/in-memory-key-handlers.ts";
import type { KeyEnding } from "./key-job-handlers.ts";

const KEYS = 3;
const delivery: Delivery = { jobId: "job-1", requestId: "r", requestedAt: 1, attempt: 1, redelivered: false };

/** The deletion of keys 1 to 3. @param error what the store says of the second one */
function deletionWith(error: Error) {
  const { ports, store, nodes, clock, passing } = inMemoryLifecycle();
  for (let keyId = 1; keyId <= KEYS; keyId += 1) plant(store, [nodes.a], { keyId, phase: "active" });
  const { beginDeletion } = store;
  store.beginDeletion = async (keyId, ...how) => {
    if (keyId === 2) throw error;
    return beginDeletion.call(store, keyId, ...how);
  };
  const endings: KeyEnding[] = [];
  const handlers = inMemoryKeyHandlers(ports, (ending) => void endings.push(ending));
  const asked = { key_ids: [1, 2, 3], owner: null, deadline: clock.now() + 8_000, request_id: "r" };
  return { run: () => passing(handlers["delete-keys"](asked, delivery)), nodes, endings };
}

it("deletes the others where the record of a key takes no change", async () => {
  const { run, nodes, endings } = deletionWith(new UnreadableRecordError("keys: the document 2 can't be changed"));
  expect(await run()).toEqual({
    outcome: "done",
    items: [
      { outcome: "deleted" },
      { outcome: "failed", detail: "the key can't be read or changed" },
      { outcome: "deleted" },
    ],
  });
  expect([...nodes.a.users.keys()]).toEqual([2]);
  expect(endings.map(({ outcome }) => outcome).toSorted()).toEqual(["done", "done", "failed"]);
});

it.each(["read", "changed"])("tells at once that a key can't be %s", async (what) => {
  const { ports, store, nodes, clock, passing } = inMemoryLifecycle();
  plant(store, [nodes.a], { keyId: 1, phase: "active" });
  const refuse = () => Promise.reject(new UnreadableRecordError("keys: the document 1 makes no sense"));
  if (what === "read") store.find = refuse;
  else store.change = refuse;
  const asked = { key_id: 1, owner: null, change: { set: { enabled: false } }, if_revision: null, request_id: "r" };
  const run = inMemoryKeyHandlers(ports)["change-key"]({ ...asked, deadline: clock.now() + 8_000 }, delivery);
  const detail = "the key can't be read or changed";
  expect(await passing(run)).toEqual({ outcome: "failed", detail, is_stored: false });
});

it("asks for another attempt while the store is away", async () => {
  const { run } = deletionWith(new StoreUnavailableError(new Error("away")));
  await expect(run()).rejects.toThrow(StoreUnavailableError);
});

it("creates the others where the record of a key that has the external id of one makes no sense", async () => {
  const { ports, store, nodes, clock, passing } = inMemoryLifecycle();
  const handlers = inMemoryKeyHandlers(ports);
  const create = (jobId: string, ...externalIds: readonly (string | null)[]) => {
    const keys = externalIds.map((externalId) => ({ name: null, owner: null, terms: { externalId } }));
    const asked = { keys, deadline: clock.now() + 8_000, request_id: "r" };
    return passing(handlers["create-keys"](asked, { ...delivery, jobId }));
  };
  await create("job-1", "damaged");
  const find = store.find.bind(store);
  store.find = async (keyId) => {
    if (keyId === 1) throw new UnreadableRecordError("keys: the document 1 makes no sense");
    return find(keyId);
  };
  expect(await create("job-2", "sound", "damaged", null)).toMatchObject({
    outcome: "done",
    items: [
      { outcome: "created" },
      { outcome: "unavailable", detail: "another key that can't be read was given external_id damaged" },
      { outcome: "created" },
    ],
  });
  expect(nodes.a.users.size).toBe(3);
});
