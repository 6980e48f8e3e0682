import { randomUUID } from "node:crypto";
import { freePort, isServiceReady, type ManagedProcess, startService, untilReady } from "@veil/engines";
import { openMongoStore, type MongoStore } from "@veil/mongo";
import { userEmail } from "@veil/protocols";
import { ownDatabase, ownPrefix } from "@veil/test-support";
import { totals } from "@veil/traffic";
import { connectXrayNode } from "@veil/xray-grpc";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { CountingXray } from "./engines/counting-xray.ts";

const uuid = randomUUID();
let xray: CountingXray;
let store: MongoStore;
let collector: ManagedProcess;
let log: string[];

beforeEach(async () => {
  log = [];
  xray = await CountingXray.start(inject("xrayBinary"));
  const uri = ownDatabase(inject("mongodbUri"));
  store = openMongoStore({ uri, onError: () => undefined });
  await store.connection.asPromise();
  await store.keys.decide({
    keyId: 1,
    uuid,
    flow: "",
    name: null,
    owner: null,
    createdAt: 1,
    job: "create-1",
    phase: "active",
    indeterminate: [],
  });
  const node = connectXrayNode({ name: "main", address: xray.address, inboundTag: "vless-in" });
  await node.addUser({ email: userEmail(1), account: { protocol: "vless", uuid, flow: "" } });
  node.close();

  const metricsPort = await freePort();
  collector = await startService({
    name: "stats-collector",
    env: {
      REDIS_URL: inject("redisUrl"),
      MONGODB_URI: uri,
      QUEUE_PREFIX: ownPrefix(),
      XRAY_NODES: JSON.stringify([{ name: "main", address: xray.address }]),
      // No reading but the first one and the last one.
      TRAFFIC_SYNC_INTERVAL_SECONDS: "300",
      METRICS_HOST: "127.0.0.1",
      METRICS_PORT: String(metricsPort),
    },
    onLine: (line) => log.push(line),
  });
  const opsUrl = `http://127.0.0.1:${metricsPort}`;
  const ready = await untilReady(collector, () => isServiceReady(opsUrl), 100_000);
  if (ready !== "ready") throw new Error(log.join("\n"));
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/^veil_traffic_sync_total\{node="main",result="ok"\} [1-9]/m);
  });
});

afterEach(async () => {
  await collector.stop(0);
  await xray.stop();
  await store.connection.dropDatabase();
  await store.close();
});

async function uploaded(): Promise<number> {
  const record = await store.traffic.find("1");
  return record === null ? 0 : totals(record).up;
}

test("a collector that is asked to stop reads what Xray has counted until then", async () => {
  await xray.upload(uuid, 3_000_000);
  expect(await uploaded()).toBe(0);
  expect(await collector.stop(60_000)).toEqual({ code: 0, signal: null });
  await xray.stop();
  expect(await uploaded()).toBeGreaterThanOrEqual(3_000_000);
});
