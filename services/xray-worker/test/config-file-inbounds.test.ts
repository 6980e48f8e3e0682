import { execFile } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "@veil/engines";
import { noHints } from "@veil/events/testing";
import { type MongoStore, openMongoStore } from "@veil/mongo";
import { changed, changeFleet, type InboundFields, PLAIN_INBOUND } from "@veil/nodes";
import { type LinkSettings, protocolNamed, transportOf, userEmail } from "@veil/protocols";
import { ownDatabase, ownPrefix, startTestXray, type TestXray } from "@veil/test-support";
import { makeRealityKeys } from "@veil/xray-config";
import { type ConnectedXray, connectXrayNode } from "@veil/xray-grpc";
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from "vitest";
import { type ByteServer, startByteServer } from "../../../tests/support/byte-server.ts";
import { findRealPrograms } from "../../../tests/support/real-programs.ts";
import { type CreatedKey, KeyJobs } from "./support/key-jobs.ts";
import { startWorkerProcess, type WorkerProcess } from "./support/worker-process.ts";

const SERVER_KEY = Buffer.alloc(16, 0xfb).toString("base64");
const OTHERS = `/* by hand */ {"password":"by-hand","email":"someone@else"}`;
const FLOW = "xtls-rprx-vision";
const BODY_BYTES = 200_000;
const SILENT_FOR_MS = 10_000;
const encryption = makeRealityKeys();

const plain: InboundFields = { tag: "vless-in", ...PLAIN_INBOUND };
const inbounds: readonly InboundFields[] = [
  plain,
  { ...plain, tag: "trojan-in", protocol: "trojan", port: 1 },
  { ...plain, tag: "xhttp.in", transport: "xhttp", path: "/a", port: 2 },
  { ...plain, tag: "shadowsocks-in", protocol: "shadowsocks-2022", serverKey: SERVER_KEY, port: 3 },
  { ...plain, tag: "encrypted-in", encryption: `mlkem768x25519plus.native.0rtt.${encryption.publicKey}`, port: 4 },
  { ...plain, tag: "vip-in", protocol: "trojan", groups: ["vip"], port: 5 },
];

let xray: TestXray;
let node: ConnectedXray;
let bytes: ByteServer;
let store: MongoStore;
let jobs: KeyJobs;
let configFile: string;
let env: Record<string, string>;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  bytes = await startByteServer();
  xray = await startTestXray(inject("xrayBinary"), {
    inbounds: {
      "trojan-in": { protocol: "trojan" },
      "xhttp.in": { protocol: "vless", path: "/a" },
      "shadowsocks-in": { protocol: "shadowsocks-2022", serverKey: SERVER_KEY },
      "encrypted-in": {
        protocol: "vless",
        decryption: `mlkem768x25519plus.native.600s.${encryption.privateKey}`,
      },
      "vip-in": { protocol: "trojan" },
    },
  });
  configFile = join(dirname(xray.process.logFile), "xray.json");
  const config = await readFile(configFile, "utf8");
  await writeFile(configFile, config.replace(/("protocol":"trojan","settings":\{"clients":\[)/, `$1${OTHERS}`));
  await xray.restart();
  node = connectXrayNode({ name: "main", address: xray.api, inboundTag: xray.inboundTag });
  const [prefix, mongodbUri] = [ownPrefix(), ownDatabase(inject("mongodbUri"))];
  store = openMongoStore({ uri: mongodbUri, onError: () => undefined });
  jobs = await KeyJobs.connect(inject("redisUrl"), prefix);
  env = {
    REDIS_URL: inject("redisUrl"),
    MONGODB_URI: mongodbUri,
    QUEUE_PREFIX: prefix,
    REALITY_FLOW: FLOW,
    RECONCILE_INTERVAL_SECONDS: "5",
    XRAY_NODES: JSON.stringify([{ name: "main", address: xray.api, inbound_tag: xray.inboundTag }]),
    XRAY_CONFIG_PATH: configFile,
    XRAY_BINARY: inject("xrayBinary"),
  };
});

afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.kill())));
afterAll(async () => {
  await jobs.close();
  await store.close();
  node.close();
  await xray.stop();
  await bytes.stop();
});

async function startWorker(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(await freePort(), env);
  workers.push(worker);
  return worker;
}

let changes = 0;

async function have(...all: readonly InboundFields[]): Promise<void> {
  const stamp = { job: `job-${(changes += 1)}`, now: Date.now() };
  await changeFleet(
    store.fleet,
    (fleet) => {
      const end = changed(fleet, "main", { inbounds: all }, stamp);
      if (end.outcome !== "changed") throw new Error(JSON.stringify(end));
      return end;
    },
    noHints,
  );
}

/** The users that Xray has, by inbound: ours by their keys. */
async function held(): Promise<Record<string, string[]>> {
  const lists = inbounds.map(async ({ tag }) => {
    const users = await node.at(tag, tag).listUsers();
    return [tag, users.map(({ email }) => email).toSorted()] as const;
  });
  return Object.fromEntries(await Promise.all(lists));
}

function expected(keys: readonly CreatedKey[], without: readonly string[] = []): Record<string, string[]> {
  const ours = keys.map(({ keyId }) => userEmail(keyId));
  const others: Record<string, string[]> = { "trojan-in": ["someone@else"], "shadowsocks-in": ["first@test"] };
  return Object.fromEntries(
    inbounds.map(({ tag }) => {
      const mine = tag === "vip-in" || without.includes(tag) ? [] : ours;
      return [tag, [...mine, ...(others[tag] ?? [])].toSorted()];
    }),
  );
}

/** Xray as it comes from its file alone. */
async function heldAfterRestart(): Promise<Record<string, string[]>> {
  await xray.restart();
  return vi.waitFor(() => held());
}

const within = (look: () => Promise<void>) => vi.waitFor(look, { timeout: 30_000, interval: 100 });
const emailsInFile = async () => [...(await readFile(configFile, "utf8")).matchAll(/"(\d+@veil)"/g)].length;

function linkOf({ uuid }: CreatedKey, inbound: InboundFields): string {
  const settings: LinkSettings = {
    ...{ host: "127.0.0.1", port: xray.ports[inbound.tag] ?? xray.inboundPort, sni: xray.serverName },
    ...{ fingerprint: "chrome", publicKey: xray.publicKey, shortId: xray.shortId, noFlow: "omit" },
    ...{ transport: transportOf(inbound), serverKey: inbound.serverKey, encryption: inbound.encryption },
  };
  return protocolNamed(inbound.protocol).shareLink({ uuid, flow: FLOW, remark: "key" }, settings);
}

/** sing-box knows neither XHTTP nor VLESS encryption, and mihomo reads no Reality out of links of Trojan. */
function readsLinkOf(program: string, { protocol, transport, encryption: encrypted }: InboundFields): boolean {
  if (program.startsWith("sing-box")) return transport === "tcp" && encrypted === null;
  return !program.startsWith("mihomo") || protocol !== "trojan";
}

test("Xray comes back with the users of every inbound while no worker runs, and real clients get through", async () => {
  const programs = await findRealPrograms();
  const worker = await startWorker();
  await have(...inbounds);
  const [deleted, ...keys] = await jobs.createMany(4);
  if (deleted === undefined) throw new RangeError("no key");
  await within(async () => expect(await held()).toEqual(expected([deleted, ...keys])));
  await within(async () => expect(await emailsInFile()).toBe(20));

  await jobs.delete(deleted.keyId);
  expect(await readFile(configFile, "utf8")).not.toContain(`"${userEmail(deleted.keyId)}"`);
  const written = await stat(configFile);
  await sleep(12_000);
  expect((await stat(configFile)).ino).toBe(written.ino);
  await worker.kill();

  const text = await readFile(configFile, "utf8");
  expect(text).toContain(OTHERS);
  await promisify(execFile)(inject("xrayBinary"), ["run", "-test", "-c", configFile]);
  expect(await heldAfterRestart()).toEqual(expected(keys));

  const [key] = keys;
  if (key === undefined) throw new RangeError("no key");
  const moved: Record<string, number> = {};
  for (const program of programs.filter(({ leftOut }) => leftOut === null)) {
    for (const inbound of inbounds.filter(({ tag }) => tag !== "vip-in")) {
      if (!readsLinkOf(program.name, inbound)) continue;
      for (const [whose, one] of [["key", key] as const, ["deleted", deleted] as const]) {
        const client = await program.start(linkOf(one, inbound));
        const url = bytes.downloadUrl(BODY_BYTES);
        const got = await client.download(url, whose === "key" ? SILENT_FOR_MS : 1_500).catch(() => 0);
        moved[`${program.name} ${inbound.tag} ${whose}`] = got;
        await client.stop();
      }
    }
  }
  expect(moved).toEqual(
    Object.fromEntries(Object.keys(moved).map((name) => [name, name.endsWith("key") ? BODY_BYTES : 0])),
  );
  expect(Object.keys(moved).length).toBeGreaterThanOrEqual(10);
});
