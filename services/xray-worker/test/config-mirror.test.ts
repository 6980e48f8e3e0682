import { copyFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ownDatabase, ownPrefix, startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { userEmail } from "@veil/protocols";
import { freePort } from "@veil/engines";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { type CreatedKey, KeyJobs } from "./support/key-jobs.ts";
import { startWorkerProcess, type WorkerProcess } from "./support/worker-process.ts";

const redisUrl = inject("redisUrl");
const xrayBinary = inject("xrayBinary");
const UNMANAGED = `{ "id": "3c4a2a55-6a3f-4bb5-9c9d-0d6c1d8d8a11", "email": "someone@else" }`;
let xray: TestXray;
let configFile: string;
let node: XrayNode;
let prefix: string;
let mongodbUri: string;
let jobs: KeyJobs;
let workers: WorkerProcess[];

beforeEach(async () => {
  xray = await startTestXray(xrayBinary);
  configFile = join(dirname(xray.process.logFile), "xray.json");
  const config = await readFile(configFile, "utf8");
  await writeFile(configFile, config.replace(`"clients": []`, `"clients": [${UNMANAGED}] /* by hand */`), {
    mode: 0o600,
  });
  await xray.restart();
  node = connectXrayNode({ name: "test", address: xray.api, inboundTag: xray.inboundTag });
  prefix = ownPrefix();
  mongodbUri = ownDatabase(inject("mongodbUri"));
  jobs = await KeyJobs.connect(redisUrl, prefix);
  workers = [];
});

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await jobs.close();
  node.close();
  await xray.stop();
});

async function startWorker(env: Record<string, string> = {}): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(await freePort(), {
    REDIS_URL: redisUrl,
    MONGODB_URI: mongodbUri,
    QUEUE_PREFIX: prefix,
    XRAY_NODES: JSON.stringify([{ name: "test", address: xray.api, inbound_tag: xray.inboundTag }]),
    XRAY_CONFIG_PATH: configFile,
    XRAY_BINARY: xrayBinary,
    ...env,
  });
  workers.push(worker);
  return worker;
}

async function expectInFile(keys: readonly CreatedKey[]): Promise<void> {
  const text = await readFile(configFile, "utf8");
  const found = [...text.matchAll(/"id": "([^"]+)", "email": "(\d+)@veil"/g)].map(([, uuid, id]) => `${id} ${uuid}`);
  expect(new Set(found)).toEqual(new Set(keys.map(({ keyId, uuid }) => `${keyId} ${uuid}`)));
}

function soonInFile(keys: readonly CreatedKey[]): Promise<void> {
  return vi.waitFor(() => expectInFile(keys), { interval: 50 });
}

async function usersAfterRestart(): Promise<Set<string>> {
  await xray.restart();
  return vi.waitFor(async () => new Set((await node.listUsers()).map(({ email }) => email)));
}

test("Xray comes back with the keys while no worker runs, and with the unmanaged client, comment and mode of its file", async () => {
  const worker = await startWorker({ REALITY_COMMON_SHORT_ID: "0badcafe" });
  const keys = await jobs.createMany(5);
  await soonInFile(keys);
  await worker.kill();
  expect(await usersAfterRestart()).toEqual(new Set(["someone@else", ...keys.map(({ keyId }) => userEmail(keyId))]));
  const text = await readFile(configFile, "utf8");
  expect(text).toContain(UNMANAGED);
  expect(text).toContain("/* by hand */");
  expect(text).toContain("0badcafe");
  expect((await stat(configFile)).mode & 0o777).toBe(0o600);
});

test("a key whose deletion was answered does not come back, though the worker dies that moment and Xray restarts", async () => {
  const worker = await startWorker();
  const [deleted, kept] = [await jobs.create(), await jobs.create()];
  await soonInFile([deleted, kept]);
  await jobs.delete(deleted.keyId);
  await worker.kill();
  await expectInFile([kept]);
  expect(await usersAfterRestart()).toEqual(new Set(["someone@else", userEmail(kept.keyId)]));
});

test("many deletions share a few writes, and each is out of the file when it is answered", async () => {
  const worker = await startWorker();
  const keys = await jobs.createMany(60);
  await soonInFile(keys);
  const before = await writes(worker);
  await Promise.all(
    keys.map(async ({ keyId }) => {
      await jobs.delete(keyId);
      expect(await readFile(configFile, "utf8")).not.toContain(`"${userEmail(keyId)}"`);
    }),
  );
  expect((await writes(worker)) - before).toBeLessThan(keys.length / 2);
});

test("two workers with one file never put back what the other one took out", async () => {
  await Promise.all([startWorker(), startWorker()]);
  const kept: CreatedKey[] = [];
  for (let round = 0; round < 3; round += 1) {
    const [gone, stays] = await Promise.all([jobs.createMany(8), jobs.createMany(8)]);
    kept.push(...stays);
    await Promise.all(
      gone.map(async ({ keyId }) => {
        await jobs.delete(keyId);
        expect(await readFile(configFile, "utf8")).not.toContain(`"${userEmail(keyId)}"`);
      }),
    );
  }
  await soonInFile(kept);
});

test("a stop writes what was created last", async () => {
  const worker = await startWorker();
  const key = await jobs.create();
  expect(await worker.stop()).toBe(0);
  await expectInFile([key]);
});

test("a file that can't be written is said once, and keys are created and deleted all the same", async () => {
  const path = join(dirname(configFile), "missing.json");
  const worker = await startWorker({ XRAY_CONFIG_PATH: path });
  const key = await jobs.create();
  await jobs.delete(key.keyId);
  expect(await node.getUser(userEmail(key.keyId))).toBeNull();
  const messages = [
    "could not compare Xray's config file with the keys",
    "could not write Xray's config file: a deleted key may come back with it",
  ];
  for (const message of messages) await worker.logged(message);
  await sleep(3_000);
  const logged = worker.log.map(({ msg }) => String(msg)).filter((msg) => msg.startsWith("could not"));
  expect(logged.toSorted()).toEqual(messages);

  await copyFile(configFile, path);
  await vi.waitFor(() => {
    const again = worker.log.filter(({ msg }) => msg === "recovered");
    expect(new Set(again.map(({ failed }) => failed))).toEqual(new Set(logged));
  });
});

test("a key that was deleted while the file could not be written is taken out once it can", async () => {
  const broken = join(dirname(configFile), "broken");
  const check = join(dirname(configFile), "check.sh");
  await writeFile(check, `#!/bin/sh\n[ ! -e '${broken}' ] && exec '${xrayBinary}' "$@"\n`, { mode: 0o700 });
  const worker = await startWorker({ XRAY_BINARY: check });
  const [deleted, kept] = [await jobs.create(), await jobs.create()];
  await soonInFile([deleted, kept]);
  // Its pass reads all keys, and what it read is recent while the file is compared.
  await xray.restart();
  await vi.waitFor(() => expect(worker.log).toContainEqual(expect.objectContaining({ reason: "restart" })));
  await writeFile(broken, "");
  await jobs.delete(deleted.keyId);
  await expectInFile([deleted, kept]);
  await rm(broken);
  await soonInFile([kept]);
});

const leftAsItIs =
  "most users of a node have no record in MongoDB, or one with another secret: it is left as it is until XRAY_ORPHAN_BRAKE=false says that the database is right";

test("an empty database takes nobody out of the file", async () => {
  const right = await startWorker();
  const keys = await jobs.createMany(60);
  await soonInFile(keys);
  await right.kill();
  const wrong = await startWorker({
    MONGODB_URI: ownDatabase(inject("mongodbUri")),
    RECONCILE_INTERVAL_SECONDS: "5",
  });
  await wrong.logged(leftAsItIs);
  await sleep(7_000);
  await expectInFile(keys);
  expect(wrong.log.filter(({ level }) => level === "error").map(({ msg }) => msg)).toEqual([leftAsItIs]);
});

test("a list that its author calls users stays one list, and nobody gets lost", async () => {
  const config = await readFile(configFile, "utf8");
  await writeFile(configFile, config.replace(`"clients": [`, `"users": [`));
  await startWorker();
  const key = await jobs.create();
  await soonInFile([key]);
  const text = await readFile(configFile, "utf8");
  expect(text).not.toContain(`"clients"`);
  expect(text).toContain(`"users": [${UNMANAGED}`);
});

test("a folder can't be the file", async () => {
  await expect(startWorker({ XRAY_CONFIG_PATH: dirname(configFile) })).rejects.toThrow("must be a file, not a folder");
});

const flowForAll =
  "keys without a flow can't connect when Xray starts from its config file: take \"flow\" out of the inbound's settings";

test("a flow that the config file gives to every client is warned of once, for it comes back with Xray", async () => {
  const config = await readFile(configFile, "utf8");
  await writeFile(configFile, config.replace(`"clients": [`, `"flow": "xtls-rprx-vision", "clients": [`));
  const worker = await startWorker({ RECONCILE_INTERVAL_SECONDS: "5" });
  expect(await worker.logged(flowForAll)).toMatchObject({ level: "warn", node: "test", flow: "xtls-rprx-vision" });
  const key = await jobs.create();
  await soonInFile([key]);
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  expect(worker.log.filter(({ msg }) => msg === flowForAll)).toHaveLength(1);
  await worker.kill();
  await usersAfterRestart();
  // The fault itself: nothing that a worker can write keeps it away.
  expect((await node.getUser(userEmail(key.keyId)))?.account).toMatchObject({ flow: "xtls-rprx-vision" });
});

test("a flow that somebody gives to every client later is warned of then", async () => {
  const worker = await startWorker({ RECONCILE_INTERVAL_SECONDS: "5" });
  expect(worker.log.map(({ msg }) => msg)).not.toContain(flowForAll);
  const config = await readFile(configFile, "utf8");
  await writeFile(configFile, config.replace(`"clients": [`, `"flow": "xtls-rprx-vision", "clients": [`));
  await worker.logged(flowForAll);
});

test("a node that is not in the settings can't be the file's", async () => {
  await expect(startWorker({ XRAY_CONFIG_NODE: "other" })).rejects.toThrow("the worker ended");
});

async function writes(worker: WorkerProcess): Promise<number> {
  return Number(/veil_config_file_total\{result="written"\} (\d+)/.exec(await worker.metrics())?.[1]);
}

test("a node that is deleted leaves none of our users in the file, so that its Xray comes back without them", async () => {
  await startWorker();
  const keys = await jobs.createMany(3);
  await soonInFile(keys);
  const deadline = Date.now() + 30_000;
  await jobs.client.submit("delete-node", "delete-1", { name: "test", force: true, deadline, request_id: "r-1" });
  await vi.waitFor(() => expectInFile([]), { interval: 50 });
  expect(await usersAfterRestart()).toEqual(new Set(["someone@else"]));
});
