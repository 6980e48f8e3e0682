import { setTimeout as sleep } from "node:timers/promises";
import { ownDatabase, ownPrefix, startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { freePort } from "@veil/engines";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { KeyJobs } from "./support/key-jobs.ts";
import { startWorkerProcess, type WorkerProcess } from "./support/worker-process.ts";

const PERIOD_MS = 5_000;
const redisUrl = inject("redisUrl");
let xray: TestXray;
let node: XrayNode;
let prefix: string;
let mongodbUri: string;
let jobs: KeyJobs;
let workers: WorkerProcess[];

beforeEach(async () => {
  xray = await startTestXray(inject("xrayBinary"));
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
    RECONCILE_INTERVAL_SECONDS: String(PERIOD_MS / 1_000),
    ...env,
  });
  workers.push(worker);
  return worker;
}

async function figure(name: string): Promise<number> {
  const pages = await Promise.all(workers.map((worker) => worker.metrics()));
  const values = pages.map((page) =>
    Number(
      page
        .split("\n")
        .find((line) => line.startsWith(name))
        ?.split(" ")[1] ?? 0,
    ),
  );
  return values.reduce((sum, value) => sum + value, 0);
}

const passes = () => figure(`veil_reconcile_total{node="test",result="ok"}`);

test("three workers make one pass a period over a node", async () => {
  await startWorker();
  await jobs.createMany(60);
  await Promise.all([startWorker(), startWorker()]);
  // Those of the start come first.
  await sleep(2 * PERIOD_MS);
  const before = await passes();
  const begun = performance.now();
  const made = await vi.waitFor(
    async () => {
      const count = (await passes()) - before;
      expect(count).toBeGreaterThanOrEqual(5);
      return count;
    },
    { timeout: 90_000, interval: 100 },
  );
  const periods = (performance.now() - begun) / PERIOD_MS;
  // One may have been due already, and one may come late and the next one in time.
  expect(made).toBeLessThanOrEqual(periods + 2);
});

test("three workers make one pass over a node at once when its Xray restarts", async () => {
  const byPeriod = { RECONCILE_INTERVAL_SECONDS: "3600" };
  await startWorker(byPeriod);
  await jobs.createMany(60);
  await Promise.all([startWorker(byPeriod), startWorker(byPeriod)]);
  await xray.restart();
  await vi.waitFor(async () => expect(await node.countUsers()).toBe(60), { interval: 50 });
  const repaired = () => workers.flatMap(({ log }) => log.filter(({ rebuilds }) => rebuilds === 1));
  await vi.waitFor(() => expect(repaired()).toHaveLength(1));
  expect(repaired()).toEqual([expect.objectContaining({ msg: "reconciled", missing: 60 })]);
  // By the health probe, which comes every second, and not by the period.
  expect(["restart", "emptied", "back"]).toContain(repaired()[0]?.["reason"]);
});

test("a worker that starts finds out what happened to the node while none ran", async () => {
  const first = await startWorker({ RECONCILE_INTERVAL_SECONDS: "3600" });
  await jobs.createMany(60);
  await first.kill();
  await startWorker({ RECONCILE_INTERVAL_SECONDS: "3600" });
  await sleep(1_500);
  await workers.at(-1)?.kill();
  workers = [];
  await xray.restart();
  await startWorker({ RECONCILE_INTERVAL_SECONDS: "3600" });
  await vi.waitFor(async () => expect(await node.countUsers()).toBe(60), { interval: 50 });
});

const leftAsItIs =
  "most users of a node have no record in MongoDB, or one with another secret: it is left as it is until XRAY_ORPHAN_BRAKE=false says that the database is right";

test("an empty database takes no user away, and that is said once", async () => {
  const right = await startWorker();
  await jobs.createMany(60);
  await right.kill();
  workers = [];
  await startWorker({ MONGODB_URI: ownDatabase(inject("mongodbUri")) });
  await startWorker({ MONGODB_URI: ownDatabase(inject("mongodbUri")) });
  await vi.waitFor(async () => expect(await figure(`veil_reconcile_brake{node="test"}`)).toBe(2));
  await sleep(6_000);
  const said = workers.flatMap(({ log }) => log.filter(({ msg }) => msg === leftAsItIs));
  expect(said).toEqual([expect.objectContaining({ level: "error", node: "test", unknown: 60 })]);
  expect(await node.countUsers()).toBe(60);

  await Promise.all(workers.map((worker) => worker.kill()));
  workers = [];
  const back = await startWorker();
  await back.logged("the users of a node are reconciled again");
  await vi.waitFor(async () => expect(await figure(`veil_reconcile_brake{node="test"}`)).toBe(0));
});
