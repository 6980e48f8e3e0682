import { freePort } from "@veil/engines";
import { noHints } from "@veil/events/testing";
import { MISSING_INBOUND_WAIT_MS } from "@veil/keys";
import { userEmail } from "@veil/protocols";
import { openMongoStore, type MongoStore } from "@veil/mongo";
import { changed, changeFleet, type InboundFields, PLAIN_INBOUND } from "@veil/nodes";
import { ownDatabase, ownPrefix, startTestXray, type TestXray } from "@veil/test-support";
import { type ConnectedXray, connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
import { KeyJobs } from "./support/key-jobs.ts";
import { startWorkerProcess, type WorkerProcess } from "./support/worker-process.ts";

const SERVER_KEY = Buffer.alloc(32, 1).toString("base64");
const redisUrl = inject("redisUrl");
let xray: TestXray;
let node: ConnectedXray;
let trojan: XrayNode;
let xhttp: XrayNode;
let store: MongoStore;
let jobs: KeyJobs;
let prefix: string;
let mongodbUri: string;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  xray = await startTestXray(inject("xrayBinary"), {
    inbounds: {
      "trojan-in": { protocol: "trojan" },
      "xhttp.in": { protocol: "vless", path: "/a" },
      "shadowsocks-in": { protocol: "shadowsocks-2022", serverKey: SERVER_KEY },
    },
  });
});
afterAll(() => xray.stop());

beforeEach(async () => {
  await xray.restart();
  node = connectXrayNode({ name: "test", address: xray.api, inboundTag: xray.inboundTag });
  [trojan, xhttp] = [node.at("trojan-in", "t"), node.at("xhttp.in", "x")];
  prefix = ownPrefix();
  mongodbUri = ownDatabase(inject("mongodbUri"));
  store = openMongoStore({ uri: mongodbUri, onError: () => undefined });
  jobs = await KeyJobs.connect(redisUrl, prefix);
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.kill()));
  await jobs.close();
  await store.close();
  node.close();
});

async function startWorker(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(await freePort(), {
    REDIS_URL: redisUrl,
    MONGODB_URI: mongodbUri,
    QUEUE_PREFIX: prefix,
    REALITY_FLOW: "xtls-rprx-vision",
    XRAY_NODES: JSON.stringify([{ name: "main", address: xray.api, inbound_tag: xray.inboundTag }]),
  });
  workers.push(worker);
  return worker;
}

const plain: InboundFields = { tag: "vless-in", ...PLAIN_INBOUND };
const ofTrojan: InboundFields = { ...plain, tag: "trojan-in", protocol: "trojan", port: 1 };
const ofXhttp: InboundFields = { ...plain, tag: "xhttp.in", transport: "xhttp", path: "/a", port: 2 };

const ofShadowsocks: InboundFields = {
  ...plain,
  tag: "shadowsocks-in",
  protocol: "shadowsocks-2022",
  serverKey: SERVER_KEY,
  port: 3,
};

let changes = 0;

const have = (...inbounds: InboundFields[]) => haveAll(plain, ...inbounds);

async function haveAll(first: InboundFields, ...more: InboundFields[]): Promise<void> {
  const stamp = { job: `job-${(changes += 1)}`, now: Date.now() };
  const change = { inbounds: [first, ...more], inboundTag: first.tag };
  await changeFleet(
    store.fleet,
    (fleet) => {
      const end = changed(fleet, "main", change, stamp);
      if (end.outcome !== "changed") throw new Error(JSON.stringify(end));
      return end;
    },
    noHints,
  );
}

const counts = () => Promise.all([node.countUsers(), trojan.countUsers(), xhttp.countUsers()]);
const held = (expected: readonly number[]) =>
  vi.waitFor(async () => expect(await counts()).toEqual(expected), { interval: 100 });
const tags = async () => (await store.fleet.read())?.nodes[0]?.inbounds.map(({ tag }) => tag);

test("a key's user is in each inbound of its node, with the account that the inbound takes", async () => {
  await startWorker();
  await jobs.createMany(100);
  await have(ofTrojan, ofXhttp);
  await held([100, 100, 100]);
  const { keyId } = await jobs.create();
  expect(await counts()).toEqual([101, 101, 101]);
  const email = userEmail(keyId);
  const [one, two, three] = await Promise.all([node.getUser(email), trojan.getUser(email), xhttp.getUser(email)]);
  expect(one?.account).toMatchObject({ protocol: "vless", flow: "xtls-rprx-vision" });
  expect(two?.account).toMatchObject({ protocol: "trojan" });
  expect(three?.account).toMatchObject({ protocol: "vless", flow: "" });

  await xray.restart();
  await held([101, 101, 101]);
  await jobs.delete(keyId);
  expect(await counts()).toEqual([100, 100, 100]);
  await vi.waitFor(async () => expect(await store.sightings.list()).toHaveProperty("size", 3));
});

test("an inbound of groups of its own holds their keys alone, and one that leaves is emptied, then gone", async () => {
  await Promise.all([startWorker(), startWorker()]);
  await jobs.createMany(20);
  await have(ofTrojan, { ...ofXhttp, groups: ["vip"] });
  await held([20, 20, 0]);
  await have(ofTrojan, { ...ofXhttp, groups: ["vip", "default"] });
  await held([20, 20, 20]);
  await have({ ...ofXhttp, groups: ["vip", "default"] });
  expect(await tags()).toEqual(["vless-in", "xhttp.in", "trojan-in"]);
  await held([20, 0, 20]);
  await vi.waitFor(async () => expect(await tags()).toEqual(["vless-in", "xhttp.in"]), { interval: 200 });
  await jobs.create();
  expect(await counts()).toEqual([21, 0, 21]);
});

test("the first inbound is emptied when another one takes its place, so that a key works nowhere once it is deleted", async () => {
  await Promise.all([startWorker(), startWorker()]);
  const [key] = await jobs.createMany(20);
  await held([20, 0, 0]);
  await haveAll({ ...ofXhttp, port: null });
  await jobs.delete(key?.keyId ?? 0);
  expect(await node.getUser(userEmail(key?.keyId ?? 0))).toBeNull();
  await held([0, 0, 19]);
  await vi.waitFor(async () => expect(await tags()).toEqual(["xhttp.in"]), { interval: 200 });
  await jobs.create();
  expect(await counts()).toEqual([0, 0, 20]);
});

test("an inbound that Xray does not have holds up nothing for long, and leaves at once", async () => {
  await startWorker();
  await jobs.create();
  await have(ofTrojan, { ...ofXhttp, tag: "later" });
  await vi.waitFor(async () => expect(await trojan.countUsers()).toBe(1), { interval: 100 });
  let waited = 0;
  for (let made = 0; made < 6; made += 1) {
    const begun = performance.now();
    await jobs.create();
    if (performance.now() - begun >= MISSING_INBOUND_WAIT_MS) waited += 1;
  }
  // The first one waits in vain.
  expect(waited).toBeLessThanOrEqual(1);
  expect(await counts()).toEqual([7, 7, 0]);
  await have(ofTrojan);
  await vi.waitFor(async () => expect(await tags()).toEqual(["vless-in", "trojan-in"]), { interval: 200 });
  expect(await node.listInboundTags()).not.toContain("later");
});

test("an inbound of Shadowsocks is filled, checked, emptied and filled again, and keeps its first client", async () => {
  const shadowsocks = node.at("shadowsocks-in", "s");
  const emails = async () => new Set((await shadowsocks.listUsers()).map(({ email }) => email));
  const count = (expected: number) =>
    vi.waitFor(async () => expect(await shadowsocks.countUsers()).toBe(expected), { interval: 100 });
  await startWorker();
  await jobs.createMany(60);
  const { keyId } = await jobs.create();
  await have(ofShadowsocks);
  await count(62);
  const user = await shadowsocks.getUser(userEmail(keyId));
  if (user?.account.protocol !== "shadowsocks-2022") throw new Error("the user is missing");
  expect(Buffer.from(user.account.key, "base64")).toHaveLength(32);

  await shadowsocks.removeUser(user.email);
  await shadowsocks.addUser({ ...user, account: { ...user.account, key: Buffer.alloc(32, 9).toString("base64") } });
  await vi.waitFor(async () => expect(await shadowsocks.getUser(user.email)).toEqual(user));
  await jobs.delete(keyId);
  expect([await shadowsocks.countUsers(), await shadowsocks.getUser(user.email)]).toEqual([61, null]);
  await xray.restart();
  await count(61);
  await shadowsocks.removeInbound();
  await count(61);
  expect(await emails()).toContain("first@test");

  await have();
  await vi.waitFor(async () => expect(await emails()).toEqual(new Set(["first@test"])));
});
