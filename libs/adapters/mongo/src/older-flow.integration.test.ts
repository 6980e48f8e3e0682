import { randomUUID } from "node:crypto";
import { ownDatabase } from "@veil/test-support";
import type { VlessFlow } from "@veil/protocols";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { type MongoStore, openMongoStore } from "./open-mongo-store.ts";

let uri: string;
const opened: MongoStore[] = [];
/** The flows that the store reported as recorded. */
const recorded: VlessFlow[] = [];

/** A process that is started with a setting of the flow. */
async function start(setting: VlessFlow, role: "worker" | "api"): Promise<MongoStore> {
  const olderFlow = { setting, record: role === "worker", onRecorded: (flow: VlessFlow) => recorded.push(flow) };
  const store = openMongoStore({ uri, olderFlow, onError: () => undefined });
  opened.push(store);
  await store.connection.asPromise();
  return store;
}

/** As the version before stored a key and its claim. */
async function storeOlderKey({ connection }: MongoStore, keyId: number): Promise<void> {
  const facts = { key_id: keyId, uuid: randomUUID(), name: null, created_at: 1_703_520_000 };
  await connection
    .collection<{ _id: string } & Record<string, unknown>>("creations")
    .insertOne({ _id: `create-${keyId}`, ...facts, deadline: 1, decided: false });
  if (keyId % 2 === 0) return;
  await connection
    .collection<{ _id: string } & Record<string, unknown>>("keys")
    .insertOne({ _id: String(keyId), ...facts, job: `create-${keyId}`, phase: 1, activated: true });
}

beforeEach(() => {
  uri = ownDatabase(inject("mongodbUri"));
  recorded.length = 0;
});

afterEach(async () => {
  await opened[0]?.connection.dropDatabase();
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

test("keys of the version before have the flow of the upgrade for ever, everywhere", async () => {
  const worker = await start("xtls-rprx-vision", "worker");
  await storeOlderKey(worker, 1);
  await storeOlderKey(worker, 2);
  expect((await worker.desired.findDesired()).get(1)?.flow).toBe("xtls-rprx-vision");

  const changed = await start("", "worker");
  expect((await changed.keys.find(1))?.flow).toBe("xtls-rprx-vision");
  expect((await changed.desired.findDesired()).get(1)?.flow).toBe("xtls-rprx-vision");
  expect((await changed.keys.findCreation("create-2"))?.flow).toBe("xtls-rprx-vision");
  expect((await changed.desired.findCreating()).map(({ flow }) => flow)).toEqual(["xtls-rprx-vision"]);

  const api = await start("", "api");
  expect((await api.keyReader.find(1))?.flow).toBe("xtls-rprx-vision");
  expect((await api.keyReader.findMany([1])).get(1)?.flow).toBe("xtls-rprx-vision");
});

test("the process that writes the flow of the upgrade says so, once", async () => {
  const api = await start("", "api");
  await storeOlderKey(api, 1);
  await api.keyReader.find(1);
  expect(recorded).toEqual([]);
  const worker = await start("xtls-rprx-vision", "worker");
  await Promise.all([worker.keys.find(1), worker.desired.findDesired(), worker.keys.find(1)]);
  const next = await start("", "worker");
  await next.keys.find(1);
  expect(recorded).toEqual(["xtls-rprx-vision"]);
});

test("what the runbook writes in its place holds for every process that starts then", async () => {
  const worker = await start("xtls-rprx-vision", "worker");
  await storeOlderKey(worker, 1);
  await worker.keys.find(1);
  const facts = worker.connection.collection<{ _id: string; flow: string }>("installation");
  await facts.updateOne({ _id: "flow-of-older-keys" }, { $set: { flow: "" } });
  const [next, api] = [await start("xtls-rprx-vision", "worker"), await start("xtls-rprx-vision", "api")];
  expect((await next.keys.find(1))?.flow).toBe("");
  expect((await api.keyReader.find(1))?.flow).toBe("");
});

test("an API that comes before the first worker goes by its own setting and records nothing", async () => {
  const api = await start("xtls-rprx-vision", "api");
  await storeOlderKey(api, 1);
  expect((await api.keyReader.find(1))?.flow).toBe("xtls-rprx-vision");
  const worker = await start("", "worker");
  expect((await worker.keys.find(1))?.flow).toBe("");
  expect((await api.keyReader.find(1))?.flow).toBe("");
});

test("of workers that are upgraded at once with different settings one decides", async () => {
  const [plain, vision] = [await start("", "worker"), await start("xtls-rprx-vision", "worker")];
  await storeOlderKey(plain, 1);
  const flows = await Promise.all([plain, vision].map(async ({ keys }) => (await keys.find(1))?.flow));
  expect(new Set(flows).size).toBe(1);
});

test("a creation that was forbidden before it began is no key of the version before", async () => {
  const first = await start("", "worker");
  expect(await first.keys.forbid("forbidden")).toBeNull();
  const worker = await start("xtls-rprx-vision", "worker");
  await storeOlderKey(worker, 1);
  expect((await worker.keys.find(1))?.flow).toBe("xtls-rprx-vision");
});

test("a key that is made keeps the flow that it was made with", async () => {
  const worker = await start("", "worker");
  const request = { job: "create-1", uuid: randomUUID(), flow: "xtls-rprx-vision", name: null, owner: null } as const;
  const claim = await worker.keys.claim({ ...request, createdAt: 1, deadline: 2 });
  if (claim === null) throw new Error("nothing was claimed");
  await worker.keys.decide({ ...claim, phase: "active", indeterminate: [] });
  expect((await worker.keyReader.find(claim.keyId))?.flow).toBe("xtls-rprx-vision");
  expect((await worker.desired.findDesired()).get(claim.keyId)?.flow).toBe("xtls-rprx-vision");
});
