import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { ownDatabase, ownPrefix, startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { userEmail } from "@veil/protocols";
import { freePort } from "@veil/engines";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { KeyJobs } from "./support/key-jobs.ts";
import { type MuxClient, startMuxClient } from "./support/mux-client.ts";
import { startWorkerProcess, type WorkerProcess } from "./support/worker-process.ts";

const redisUrl = inject("redisUrl");
const xrayBinary = inject("xrayBinary");
let xray: TestXray;
let node: XrayNode;
let web: Server;
let webPort: number;
let prefix: string;
let jobs: KeyJobs;
let worker: WorkerProcess;
let clients: MuxClient[];

beforeEach(async () => {
  xray = await startTestXray(xrayBinary);
  node = connectXrayNode({ name: "test", address: xray.api, inboundTag: xray.inboundTag });
  web = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(web, "listening");
  webPort = (web.address() as AddressInfo).port;
  prefix = ownPrefix();
  jobs = await KeyJobs.connect(redisUrl, prefix);
  clients = [];
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  await worker.kill();
  await jobs.close();
  node.close();
  web.closeAllConnections();
  web.close();
  await xray.stop();
});

async function startWorker(env: Record<string, string> = {}): Promise<void> {
  worker = await startWorkerProcess(await freePort(), {
    REDIS_URL: redisUrl,
    MONGODB_URI: ownDatabase(inject("mongodbUri")),
    QUEUE_PREFIX: prefix,
    XRAY_NODES: JSON.stringify([{ name: "test", address: xray.api, inbound_tag: xray.inboundTag }]),
    ...env,
  });
}

async function connect(uuid: string): Promise<MuxClient> {
  const client = await startMuxClient(xrayBinary, xray, uuid, webPort);
  clients.push(client);
  return client;
}

/** Changes the config of the running Xray, which has to be started again. */
async function reconfigure(change: (config: { api: object; outbounds: object[] }) => object): Promise<void> {
  const file = join(dirname(xray.process.logFile), "xray.json");
  const config = JSON.parse(await readFile(file, "utf8")) as { api: object; outbounds: object[] };
  await writeFile(file, JSON.stringify(change(config)));
  await xray.restart();
}

/** A key whose client has an open multiplexed connection. */
async function connectedKey(): Promise<{ readonly keyId: number; readonly uuid: string; readonly client: MuxClient }> {
  const { keyId, uuid } = await jobs.create();
  const client = await connect(uuid);
  expect(await client.get()).toBe(200);
  return { keyId, uuid, client };
}

test("a deleted key's multiplexed connection opens no further stream, its neighbor's does", async () => {
  await startWorker();
  const [deleted, neighbor] = [await connectedKey(), await connectedKey()];
  await jobs.delete(deleted.keyId);
  const uplink = `user>>>${userEmail(deleted.keyId)}>>>traffic>>>uplink`;
  const before = await node.readCounter(uplink);
  await expect(deleted.client.get()).rejects.toThrow();
  expect(await neighbor.client.get()).toBe(200);
  expect(await node.readCounter(uplink), "an attempt counts, so that its rule stands").toBeGreaterThan(before ?? 0);
  expect(await node.listBlockedUsers()).toEqual([userEmail(deleted.keyId)]);
});

test("without blocking, a deleted key goes on over the connection that it has, and can't make another", async () => {
  await startWorker({ XRAY_BLOCK_DELETED: "false" });
  const { keyId, uuid, client } = await connectedKey();
  await jobs.delete(keyId);
  expect(await client.get()).toBe(200);
  const fresh = await connect(uuid);
  await expect(fresh.get()).rejects.toThrow();
});

test("a node without the outbound `block` cuts the streams all the same", async () => {
  await reconfigure((config) => ({ ...config, outbounds: config.outbounds.slice(0, 1) }));
  await startWorker();
  const { keyId, client } = await connectedKey();
  await jobs.delete(keyId);
  await expect(client.get()).rejects.toThrow();
});

test("a node without RoutingService deletes keys as ever and is complained of once", async () => {
  await reconfigure((config) => ({ ...config, api: { ...config.api, services: ["HandlerService", "StatsService"] } }));
  await startWorker();
  const keys = await jobs.createMany(3);
  for (const { keyId } of keys) await jobs.delete(keyId);
  expect(await node.countUsers()).toBe(0);
  expect(worker.log.filter(({ msg }) => String(msg).startsWith("the node can't block removed users"))).toHaveLength(1);
});
