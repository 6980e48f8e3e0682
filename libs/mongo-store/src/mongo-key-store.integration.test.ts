import { randomUUID } from "node:crypto";
import { type Creation, importJobOf, type KeyRecord } from "@veil/key-lifecycle";
import { ownDatabase } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { connectMongo, type MongoConnection } from "./connect-mongo.ts";
import { MongoKeyReader } from "./mongo-key-reader.ts";
import { MongoKeyStore } from "./mongo-key-store.ts";

const uri = ownDatabase(inject("mongodbUri"));
const connections: MongoConnection[] = [];
let store: MongoKeyStore;
let reader: MongoKeyReader;

function connect(): MongoConnection {
  const connection = connectMongo({
    uri,
    onError: (error) => {
      throw error;
    },
  });
  connections.push(connection);
  return connection;
}

beforeAll(async () => {
  const forStore = connect();
  const forReader = connect();
  await Promise.all([forStore.connection.asPromise(), forReader.connection.asPromise()]);
  store = new MongoKeyStore(forStore);
  reader = new MongoKeyReader(forReader);
  await store.prepare();
});

afterAll(async () => {
  await connections[0]?.connection.dropDatabase();
  await Promise.all(connections.map((connection) => connection.close()));
});

function request(overrides: Partial<Creation> = {}): Omit<Creation, "keyId"> {
  return {
    job: `create-${randomUUID()}`,
    uuid: randomUUID(),
    flow: "",
    name: null,
    createdAt: 1_703_520_000,
    deadline: Date.now() + 8_000,
    ...overrides,
  };
}

async function claim(overrides: Partial<Creation> = {}): Promise<Creation> {
  const claimed = await store.claim(request(overrides));
  if (claimed === null) throw new Error("nothing was claimed");
  return claimed;
}

async function activeKey(name: string | null = null): Promise<KeyRecord> {
  return store.decide({ ...(await claim({ name })), phase: "active", unsure: [] });
}

test("200 claims at once get 200 different ascending key ids", async () => {
  const claims = await Promise.all(Array.from({ length: 200 }, () => claim()));
  const ids = claims.map(({ keyId }) => keyId);
  expect(new Set(ids).size).toBe(200);
  expect(Math.min(...ids)).toBeGreaterThanOrEqual(1);
});

test("a second claim of the same job finds the first one", async () => {
  const first = await claim({ name: "пользователь" });
  const second = await store.claim(request({ job: first.job }));
  expect(second).toEqual(first);
});

test("a job that was forbidden before it claimed anything never claims", async () => {
  const job = `create-${randomUUID()}`;
  expect(await store.forbid(job)).toBeNull();
  expect(await store.claim(request({ job }))).toBeNull();
});

test("a job that claimed before it was forbidden is found by who forbids it", async () => {
  const claimed = await claim();
  expect(await store.forbid(claimed.job)).toEqual(claimed);
});

test("of 30 decisions about one key at once, one stands and everybody sees it", async () => {
  const claimed = await claim();
  const decisions = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      store.decide({ ...claimed, phase: index % 2 === 0 ? "active" : "deleting", unsure: [] }),
    ),
  );
  expect(new Set(decisions.map(({ phase }) => phase)).size).toBe(1);
});

test("of two deletions at once, the key remembers one", async () => {
  const { keyId } = await activeKey();
  const ends = await Promise.all([store.beginDeletion(keyId, "delete-a"), store.beginDeletion(keyId, "delete-b")]);
  expect(new Set(ends.map((end) => end?.deleter)).size).toBe(1);
  expect((await store.find(keyId))?.phase).toBe("deleting");
});

test("a phase never falls: a deletion begun after the end leaves the key gone", async () => {
  const { keyId } = await activeKey();
  await store.beginDeletion(keyId, "delete-a");
  await store.finishDeletion(keyId);
  const after = await store.beginDeletion(keyId, "delete-b");
  expect(after).toMatchObject({ phase: "gone", deleter: "delete-a" });
});

test("nodes are marked unsure and sure one by one", async () => {
  const { keyId } = await activeKey();
  await store.markUnsure(keyId, "main");
  await store.markUnsure(keyId, "second-node");
  await store.markSure(keyId, "main");
  expect((await store.find(keyId))?.unsure).toEqual(["second-node"]);
});

test("an overdue claim is found until it is decided", async () => {
  const late = await claim({ deadline: Date.now() - 60_000 });
  expect(await store.findOverdue(Date.now())).toContainEqual(late);
  await store.decide({ ...late, phase: "deleting", unsure: ["main"] });
  expect(await store.findOverdue(Date.now())).not.toContainEqual(late);
  expect((await store.findDeleting(["main"])).map(({ keyId }) => keyId)).toContain(late.keyId);
});

test("a key that is gone is found as deleting while a node may still hold it", async () => {
  const { keyId } = await activeKey();
  await store.beginDeletion(keyId, "delete-a");
  await store.markUnsure(keyId, "main");
  await store.finishDeletion(keyId);
  const found = async () => (await store.findDeleting(["other", "main"])).map((key) => key.keyId);
  expect(await found()).toContain(keyId);
  await store.markSure(keyId, "main");
  expect(await found()).not.toContain(keyId);
});

test("the desired users are those of active keys", async () => {
  const wanted = await activeKey();
  const unwanted = await activeKey();
  await store.beginDeletion(unwanted.keyId, "delete-a");
  const desired = await store.findDesired();
  expect(desired.get(wanted.keyId)).toEqual({ keyId: wanted.keyId, uuid: wanted.uuid, flow: "", unsure: [] });
  expect(desired.has(unwanted.keyId)).toBe(false);
  expect(await store.hasDesired(desired.size)).toBe(true);
  expect(await store.hasDesired(desired.size + 1)).toBe(false);
});

test("the reader finds a key by its id and by its create job, and lists active ones in order", async () => {
  const key = await activeKey("Ключ 🔑");
  expect(await reader.find(key.keyId)).toEqual(key);
  expect(await reader.findByCreateJob(key.job)).toEqual(key);
  const listed: number[] = [];
  for await (const group of reader.listActive({ after: key.keyId - 1, limit: 1 }))
    listed.push(...group.map(({ keyId }) => keyId));
  expect(listed).toEqual([key.keyId]);
  const all: number[] = [];
  for await (const group of reader.listActive()) all.push(...group.map(({ keyId }) => keyId));
  expect(all).toEqual([...all].sort((a, b) => a - b));
  expect(await reader.countActive()).toBe(all.length);
});

async function goneKey(): Promise<number> {
  const { keyId } = await activeKey();
  await store.beginDeletion(keyId, "delete-a");
  await store.finishDeletion(keyId);
  return keyId;
}

/** Later than whatever a test deletes, by this machine's clock. Unix seconds. */
const later = Math.floor(Date.now() / 1000) + 3_600;

test("tombstones go by when the key was deleted, however old it was; active keys stay", async () => {
  const kept = await activeKey();
  const gone = await goneKey();
  await store.dropTombstones(later - 2 * 3_600);
  expect((await store.find(gone))?.phase).toBe("gone");
  await store.dropTombstones(later);
  expect(await store.find(gone)).toBeNull();
  expect((await store.find(kept.keyId))?.phase).toBe("active");
});

test("a tombstone of before, which says nothing of when, goes by when the key was created", async () => {
  const gone = await goneKey();
  const keys = connections[0]?.connection.collection<{ readonly _id: string }>("keys");
  await keys?.updateOne({ _id: String(gone) }, { $unset: { gone_at: true } });
  await store.dropTombstones(1_703_520_000);
  expect((await store.find(gone))?.phase).toBe("gone");
  await store.dropTombstones(1_703_520_001);
  expect(await store.find(gone)).toBeNull();
});

test("a tombstone stays while a node may still undo the deletion", async () => {
  const gone = await goneKey();
  await store.markUnsure(gone, "main");
  await store.dropTombstones(later);
  expect((await store.find(gone))?.phase).toBe("gone");
  await store.markSure(gone, "main");
  await store.dropTombstones(later);
  expect(await store.find(gone)).toBeNull();
});

test("the tombstone of an imported key stays, so that no later import brings the key back", async () => {
  const keyId = 2_000_000;
  const { uuid, flow, name, createdAt } = request();
  await store.decide({ keyId, uuid, flow, name, createdAt, job: importJobOf(keyId), phase: "active", unsure: [] });
  await store.beginDeletion(keyId, "delete-a");
  await store.finishDeletion(keyId);
  await store.dropTombstones(later);
  expect((await store.find(keyId))?.phase).toBe("gone");
});
