import { startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { apiCalls } from "../support/api-calls.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient, type VpnClient } from "../support/vpn-client.ts";

const MEGABYTE = 1_000_000;

const nodeSchema = z.looseObject({ name: z.string(), state: z.string() });
const linksSchema = z.object({ links: z.array(z.object({ node: z.string(), link: z.string() })) });
const keySchema = z.looseObject({ key_id: z.number(), uuid: z.string() });
const trafficSchema = z.looseObject({ total: z.number() });

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let xray: TestXray;
let bytes: ByteServer;
/** The two processes, to be asked what they counted and whom they hold. */
let first: XrayNode;
let second: XrayNode;
const clients: VpnClient[] = [];
const { call, done } = apiCalls(() => stack);

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path, { TRAFFIC_SYNC_INTERVAL_SECONDS: "2" });
  const { xray: own } = await stack.readRunFile();
  xray = await startTestXray(own.binary);
  second = connectXrayNode({ name: "second", address: xray.api, inboundTag: xray.inboundTag });
  const main = z.looseObject({ address: z.string() }).parse((await call("GET", "/nodes/main")).body);
  first = connectXrayNode({ name: "first", address: main.address, inboundTag: "vless-in" });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  first.close();
  second.close();
  await xray.stop();
  await stack.stop();
  await bytes.stop();
  await dataDir.remove();
});

const fieldsOf = ({
  api: address,
  inboundPort: port,
  publicKey: public_key,
  shortId: short_id,
  serverName: sni,
}: TestXray) => ({
  ...{ address, host: "127.0.0.1", port, public_key, short_id, sni },
});

async function join(name: string): Promise<void> {
  await done("POST", "/nodes", { name, ...fieldsOf(xray) });
  const isActive = async () => expect(nodeSchema.parse(await done("GET", `/nodes/${name}`)).state).toBe("active");
  await vi.waitFor(isActive, { interval: 200 });
}

const makeKey = async () => keySchema.parse(await done("POST", "/keys", {})).key_id;
const linksOf = async (keyId: number) => linksSchema.parse(await done("GET", `/keys/${keyId}/links`)).links;
const nodesOf = async (keyId: number) => (await linksOf(keyId)).map(({ node }) => node);

async function move(keyId: number, node: string, megabytes: number): Promise<void> {
  const link = (await linksOf(keyId)).find((one) => one.node === node)?.link ?? "";
  const client = await startVpnClient((await stack.readRunFile()).xray.binary, link);
  clients.push(client);
  expect(await client.download(bytes.downloadUrl(megabytes * MEGABYTE))).toBe(megabytes * MEGABYTE);
  await client.stop();
}

/** The bytes of a key that both processes have counted in their lives. */
async function counted(keyId: number): Promise<number> {
  const names = ["uplink", "downlink"].map((link) => `user>>>${keyId}@veil>>>traffic>>>${link}`);
  const values = await Promise.all([first, second].flatMap((node) => names.map((name) => node.readCounter(name))));
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

const total = async (keyId: number) => trafficSchema.parse(await done("GET", `/keys/${keyId}/traffic`)).total;

/** What a client says at the end of a connection is counted a moment later. */
function expectCounted(keyId: number): Promise<void> {
  return vi.waitFor(async () => expect(await total(keyId)).toBe(await counted(keyId)));
}

test("a node joins, carries, leaves and comes back under another name, and every byte is counted once", async () => {
  const keyId = await makeKey();
  await move(keyId, "main", 1);
  const loaded = Promise.all(Array.from({ length: 20 }, makeKey));
  await join("second");
  await loaded;
  await vi.waitFor(async () => expect(await nodesOf(keyId)).toEqual(["main", "second"]));
  expect(await second.countUsers()).toBe(21);
  await move(keyId, "second", 3);

  expect((await call("POST", "/nodes", { name: "again", ...fieldsOf(xray) })).status).toBe(409);
  const samePlace = { name: "again", ...fieldsOf(xray), address: xray.api.replace("127.0.0.1", "localhost") };
  expect((await call("POST", "/nodes", samePlace)).body).toEqual({
    detail: "the Xray process at this address is that of node second",
  });

  await done("DELETE", "/nodes/second");
  expect(await second.countUsers()).toBe(0);
  expect((await call("GET", "/nodes/second")).status).toBe(404);
  await expectCounted(keyId);
  await vi.waitFor(async () => expect(await nodesOf(keyId)).toEqual(["main"]));

  await join("third");
  await done("POST", "/traffic/sync");
  await expectCounted(keyId);
  await vi.waitFor(async () => expect(await nodesOf(keyId)).toEqual(["main", "third"]));
  await move(keyId, "third", 2);
  await expectCounted(keyId);
  expect(await total(keyId)).toBeGreaterThan(6 * MEGABYTE);
});

test("links leave a node that drains, and lead to the next one that answers when the first dies", async () => {
  const keyId = await makeKey();
  await done("POST", "/nodes/main/drain");
  await vi.waitFor(async () => expect(await nodesOf(keyId)).toEqual(["third"]));
  const other = await makeKey();
  await move(other, "third", 1);
  await expectCounted(other);

  await done("POST", "/nodes/main/undrain");
  await done("PATCH", "/nodes/third", { note: "dies now" });
  await xray.kill();
  await vi.waitFor(async () => expect(await nodesOf(keyId)).toEqual(["main", "third"]));
  const health = z.looseObject({ reachable: z.boolean() });
  const isDown = async () => expect(health.parse(await done("GET", "/nodes/third/health")).reachable).toBe(false);
  await vi.waitFor(isDown, { interval: 200 });
  await move(await makeKey(), "main", 1);

  const answer = await call("DELETE", "/nodes/third");
  expect([answer.status, answer.body]).toEqual([
    503,
    { detail: "Failed to delete node: node third does not answer; ?force=true" },
  ]);
  expect(nodeSchema.parse(await done("GET", "/nodes/third")).state).toBe("active");
  await done("DELETE", "/nodes/third?force=true");
  await vi.waitFor(async () => expect(await nodesOf(keyId)).toEqual(["main"]));
});
