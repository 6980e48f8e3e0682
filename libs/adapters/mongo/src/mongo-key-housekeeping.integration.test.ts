import { randomUUID } from "node:crypto";
import { importJobOf } from "@veil/keys";
import { activeKey, claimKey, creationRequest, goneKey } from "@veil/keys/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";

let store: TestStore;

beforeAll(async () => {
  store = await openTestStore();
  await store.housekeeping.prepare();
});

afterAll(async () => {
  await store.connection.dropDatabase();
  await store.close();
});

/** Later than whatever a test deletes, by this machine's clock. Unix seconds. */
const later = Math.floor(Date.now() / 1000) + 3_600;
const phaseOf = async (keyId: number) => (await store.keys.find(keyId))?.phase;

test("counts keys by state, claims as creating", async () => {
  const before = await store.housekeeping.countByState();
  await claimKey(store.keys);
  await activeKey(store.keys);
  await store.keys.beginDeletion((await activeKey(store.keys)).keyId, "delete-a");
  await goneKey(store.keys);
  const { creating, active, deleting } = before;
  expect(await store.housekeeping.countByState()).toEqual({
    creating: creating + 1,
    active: active + 1,
    deleting: deleting + 1,
  });
});

test("key ids that are skipped are never claimed, and skipping never goes back", async () => {
  const { keyId } = await claimKey(store.keys);
  await store.housekeeping.skipKeyIds(keyId + 100);
  await store.housekeeping.skipKeyIds(keyId + 10);
  expect((await claimKey(store.keys)).keyId).toBe(keyId + 101);
});

test("tombstones are dropped by when the key was deleted, however old it was; active keys stay", async () => {
  const kept = await activeKey(store.keys);
  const gone = await goneKey(store.keys);
  await store.housekeeping.dropTombstones(later - 2 * 3_600, ["main"]);
  expect(await phaseOf(gone.keyId)).toBe("gone");
  await store.housekeeping.dropTombstones(later, ["main"]);
  expect(await phaseOf(gone.keyId)).toBeUndefined();
  expect(await phaseOf(kept.keyId)).toBe("active");
});

test("a tombstone of before, which says nothing of when, is dropped by when the key was created", async () => {
  const { keyId } = await goneKey(store.keys);
  const keys = store.connection.collection<{ readonly _id: string }>("keys");
  await keys.updateOne({ _id: String(keyId) }, { $unset: { gone_at: true } });
  await store.housekeeping.dropTombstones(1_703_520_000, ["main"]);
  expect(await phaseOf(keyId)).toBe("gone");
  await store.housekeeping.dropTombstones(1_703_520_001, ["main"]);
  expect(await phaseOf(keyId)).toBeUndefined();
});

test("a tombstone stays while a node may still undo the deletion", async () => {
  const { keyId } = await goneKey(store.keys);
  await store.keys.markIndeterminate(keyId, "main");
  await store.housekeeping.dropTombstones(later, ["main"]);
  expect(await phaseOf(keyId)).toBe("gone");
  await store.keys.clearIndeterminate(keyId, "main");
  await store.housekeeping.dropTombstones(later, ["main"]);
  expect(await phaseOf(keyId)).toBeUndefined();
});

test("a tombstone that only nodes that were taken out may still undo is dropped", async () => {
  const { keyId } = await goneKey(store.keys);
  await store.keys.markIndeterminate(keyId, "main");
  await store.housekeeping.dropTombstones(later, ["other", "third"]);
  expect(await phaseOf(keyId)).toBeUndefined();
});

test("the tombstone of an imported key stays, so that no later import brings the key back", async () => {
  const keyId = 2_000_000;
  const { uuid, flow, name, createdAt, owner } = creationRequest();
  await store.keys.decide({
    keyId,
    uuid,
    flow,
    name,
    createdAt,
    owner,
    job: importJobOf(keyId),
    phase: "active",
    indeterminate: [],
  });
  await store.keys.beginDeletion(keyId, "delete-a");
  await store.keys.finishDeletion(keyId);
  await store.housekeeping.dropTombstones(later, ["main"]);
  expect(await phaseOf(keyId)).toBe("gone");
});

test("what is dropped by its age is dated by the clock that all processes share, and not by this machine's", async () => {
  const shared = later + 30 * 24 * 3_600;
  const other = await openTestStore({ uri: store.uri, now: () => shared * 1_000 });
  const { keyId } = await goneKey(other.keys);
  const [job, hand] = [`create-${randomUUID()}`, randomUUID()];
  await other.keys.forbid(job);
  await other.keys.takeUpMany([keyId], hand);
  const claims = store.connection.collection<{ readonly _id: string }>("creations");
  const hands = store.connection.collection<{ readonly _id: string }>("hands");
  const left = async () => [
    await phaseOf(keyId),
    await claims.countDocuments({ _id: job }),
    await hands.countDocuments({ _id: hand }),
  ];
  await other.housekeeping.dropTombstones(shared, ["main"]);
  expect(await left()).toEqual(["gone", 1, 1]);
  await other.housekeeping.dropTombstones(shared + 1, ["main"]);
  expect(await left()).toEqual([undefined, 0, 0]);
  await other.close();
});
