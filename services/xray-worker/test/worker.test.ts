import { randomUUID } from "node:crypto";
import { ownDatabase, ownPrefix, startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, ensureShortId, type InboundUser, type XrayNode } from "@veil/xray-grpc";
import { userEmail, type VlessFlow } from "@veil/protocols";
import { freePort } from "@veil/engines";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
import { type CreatedKey, KeyJobs } from "./support/key-jobs.ts";
import { startWorkerProcess, type WorkerProcess } from "./support/worker-process.ts";

const redisUrl = inject("redisUrl");
let xray: TestXray;
let node: XrayNode;
let prefix: string;
let mongodbUri: string;
let jobs: KeyJobs;
let worker: WorkerProcess;

beforeAll(async () => {
  xray = await startTestXray(inject("xrayBinary"));
});
afterAll(() => xray.stop());

beforeEach(async () => {
  await xray.restart();
  node = connectXrayNode({ name: "test", address: xray.api, inboundTag: xray.inboundTag });
  prefix = ownPrefix();
  mongodbUri = ownDatabase(inject("mongodbUri"));
  jobs = await KeyJobs.connect(redisUrl, prefix);
});

afterEach(async () => {
  await worker.kill();
  await jobs.close();
  node.close();
});

async function startWorker(env: Record<string, string> = {}): Promise<WorkerProcess> {
  worker = await startWorkerProcess(await freePort(), {
    REDIS_URL: redisUrl,
    MONGODB_URI: mongodbUri,
    QUEUE_PREFIX: prefix,
    XRAY_NODES: JSON.stringify([{ name: "test", address: xray.api, inbound_tag: xray.inboundTag }]),
    RECONCILE_INTERVAL_SECONDS: "5",
    ...env,
  });
  return worker;
}

function userOf({ keyId, uuid }: CreatedKey, flow: VlessFlow = ""): InboundUser {
  return { email: userEmail(keyId), account: { protocol: "vless", uuid, flow } };
}

function reconciled<T>(look: () => Promise<T>): Promise<T> {
  return vi.waitFor(look, { interval: 50 });
}

test("a created key's user is in Xray when its job ends, a deleted one's is not", async () => {
  await startWorker();
  const key = await jobs.create();
  expect(await node.getUser(userEmail(key.keyId))).toEqual(userOf(key));
  await jobs.delete(key.keyId);
  expect(await node.getUser(userEmail(key.keyId))).toBeNull();
});

test("a deletion does not find a key whose creation was refused: nobody knows of it", async () => {
  await startWorker();
  const id = `create-${randomUUID()}`;
  await jobs.client.submit("create-key", id, {
    key: { name: null, owner: null, terms: {} },
    deadline: Date.now() - 1,
    request_id: id,
  });
  const refused = await jobs.client.awaitResult("create-key", id, 30_000);
  expect(refused).toMatchObject({ state: "finished", result: { outcome: "unavailable" } });
  const { keyId: next } = await jobs.create();
  await expect(jobs.delete(next - 1)).rejects.toThrow("not-found");
});

test("after a restart of Xray the keys are there again, and a deleted one is not", async () => {
  await startWorker();
  const keys = await jobs.createMany(60);
  const [gone, ...kept] = keys;
  if (gone === undefined) throw new Error("no keys");
  await jobs.delete(gone.keyId);
  await xray.restart();
  const users = await reconciled(async () => {
    const listed = await node.listUsers();
    expect(listed).toHaveLength(kept.length);
    return listed;
  });
  expect(new Set(users.map(({ email }) => email))).toEqual(new Set(kept.map(({ keyId }) => userEmail(keyId))));
});

test("what was done to the users behind its back is undone, and other people's users are left alone", async () => {
  await startWorker();
  const [removed, changed] = [await jobs.create(), await jobs.create()];
  const unmanaged: InboundUser = { ...userOf({ ...removed, uuid: randomUUID() }), email: "someone@else" };
  const orphan = userEmail(999_999);
  await node.addUser(unmanaged);
  await node.addUser({ ...userOf({ ...removed, uuid: randomUUID() }), email: orphan });
  await node.removeUser(userEmail(removed.keyId));
  await node.removeUser(userEmail(changed.keyId));
  await node.addUser(userOf({ ...changed, uuid: randomUUID() }));

  await reconciled(async () => {
    expect(await node.getUser(userEmail(removed.keyId))).toEqual(userOf(removed));
    expect(await node.getUser(userEmail(changed.keyId))).toEqual(userOf(changed));
    expect(await node.getUser(orphan)).toBeNull();
  });
  expect(await node.getUser(unmanaged.email)).toEqual(unmanaged);
});

test("the next pass puts back who was removed, also the user of a key that the last pass did not know", async () => {
  const { log, logged } = await startWorker();
  await logged("reconciled");
  const [removed] = await jobs.createMany(5);
  if (removed === undefined) throw new Error("no keys");
  const before = log.length;
  await node.removeUser(userEmail(removed.keyId));
  await reconciled(async () => expect(await node.getUser(userEmail(removed.keyId))).toEqual(userOf(removed)));
  // A pass that had listed the users by then found all of them.
  const repairs = await reconciled(async () => {
    const passes = log.slice(before).filter(({ msg }) => msg === "reconciled");
    const found = passes.filter(({ missing, wrong, orphans }) => missing !== 0 || wrong !== 0 || orphans !== 0);
    expect(found).not.toEqual([]);
    return found;
  });
  expect(repairs).toEqual([expect.objectContaining({ reason: "period", missing: 1, wrong: 0, orphans: 0 })]);
});

test("a key keeps the flow that it was made with, and a user with another one is put right", async () => {
  await startWorker({ REALITY_FLOW: "xtls-rprx-vision" });
  const [vision, tampered] = [await jobs.create(), await jobs.create()];
  expect(await node.getUser(userEmail(vision.keyId))).toEqual(userOf(vision, "xtls-rprx-vision"));
  await worker.stop();

  await startWorker({ REALITY_FLOW: "none" });
  const plain = await jobs.create();
  expect(await node.getUser(userEmail(plain.keyId))).toEqual(userOf(plain));
  await node.removeUser(userEmail(tampered.keyId));
  await node.addUser(userOf(tampered));
  // The number of users says nothing of it. Once one is missing they are all compared.
  await node.removeUser(userEmail(plain.keyId));
  await reconciled(async () => {
    expect(await node.getUser(userEmail(tampered.keyId))).toEqual(userOf(tampered, "xtls-rprx-vision"));
  });

  await xray.restart();
  await reconciled(async () => {
    expect(await node.getUser(userEmail(vision.keyId))).toEqual(userOf(vision, "xtls-rprx-vision"));
    expect(await node.getUser(userEmail(plain.keyId))).toEqual(userOf(plain));
  });
});

test("an inbound without the common short id gets it at the start and keeps its users", async () => {
  const unmanaged: InboundUser = {
    email: "someone@else",
    account: { protocol: "vless", uuid: randomUUID(), flow: "" },
  };
  await node.addUser(unmanaged);
  const accepts = async (shortId: string) => {
    const definition = await node.readInbound();
    return definition !== null && ensureShortId(definition, shortId) === null;
  };
  expect(await accepts("0badcafe")).toBe(false);
  await startWorker({ REALITY_COMMON_SHORT_ID: "0badcafe" });
  await reconciled(async () => expect(await accepts("0badcafe")).toBe(true));
  expect(await accepts(xray.shortId)).toBe(true);
  expect(await node.getUser(unmanaged.email)).toEqual(unmanaged);
});

test("SIGTERM under load ends it with 0 within its deadline, and no job is lost or stalls", async () => {
  const shutdownDeadlineMs = 5_000;
  const stopping = await startWorker({ SHUTDOWN_DEADLINE_MS: String(shutdownDeadlineMs), WORKER_CONCURRENCY: "8" });
  const created = Promise.all(Array.from({ length: 500 }, () => jobs.submitCreate()));
  const completed = () => stopping.log.filter(({ msg }) => msg === "job completed").length;
  await vi.waitFor(() => expect(completed()).toBeGreaterThan(50));
  const begun = performance.now();
  expect(await stopping.stop()).toBe(0);
  expect(performance.now() - begun).toBeLessThan(shutdownDeadlineMs);

  const next = await startWorker();
  const outcomes = await Promise.all((await created).map((id) => jobs.client.awaitResult("create-key", id, 60_000)));
  expect(outcomes.filter(({ state }) => state !== "finished").length).toBe(0);
  const made = outcomes.filter((outcome) => outcome.state === "finished" && outcome.result.outcome === "created");
  await reconciled(async () => expect(await node.countUsers()).toBe(made.length));
  for (const { log } of [stopping, next]) expect(log.filter(({ msg }) => msg === "job stalled")).toEqual([]);
});
