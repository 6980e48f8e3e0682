import { startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { apiCalls } from "../support/api-calls.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient, type VpnClient } from "../support/vpn-client.ts";

/** A change of a key's groups is answered within two seconds; a busy machine gets three more. */
const MOVED_WITHIN_MS = 5_000;
/** How long a client that is shut out may be silent; one that is let in is waited for. */
const SILENT_FOR_MS = 4_000;
const HALF_A_MEGABYTE = 500_000;

const nodeSchema = z.looseObject({ state: z.string(), address: z.string(), groups: z.array(z.string()) });
const linksSchema = z.object({ links: z.array(z.object({ node: z.string(), link: z.string() })) });
const keySchema = z.looseObject({ key_id: z.number(), subscription_url: z.string(), groups: z.array(z.string()) });
const trafficSchema = z.looseObject({ total: z.number() });
const statsSchema = z.looseObject({ groups: z.array(z.object({ name: z.string(), keys: z.number() })) });

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let xray: TestXray;
let bytes: ByteServer;
let nodes: Record<"main" | "vip", XrayNode>;
const clients: VpnClient[] = [];
const { call, done } = apiCalls(() => stack);

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path, { TRAFFIC_SYNC_INTERVAL_SECONDS: "2" });
  const { xray: own } = await stack.readRunFile();
  xray = await startTestXray(own.binary);
  const { address } = nodeSchema.parse((await call("GET", "/nodes/main")).body);
  nodes = {
    main: connectXrayNode({ name: "main", address, inboundTag: "vless-in" }),
    vip: connectXrayNode({ name: "vip", address: xray.api, inboundTag: xray.inboundTag }),
  };
  const { inboundPort: port, publicKey: public_key, shortId: short_id, serverName: sni } = xray;
  const link = { host: "127.0.0.1", port, public_key, short_id, sni };
  await done("POST", "/nodes", { name: "vip", address: xray.api, ...link, groups: ["vip"] });
  const isActive = async () => expect(nodeSchema.parse(await done("GET", "/nodes/vip")).state).toBe("active");
  await vi.waitFor(isActive, { interval: 200 });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  for (const node of Object.values(nodes)) node.close();
  await xray.stop();
  await stack.stop();
  await bytes.stop();
  await dataDir.remove();
});

const makeKey = async (groups?: readonly string[]) =>
  keySchema.parse(await done("POST", "/keys", groups === undefined ? {} : { groups }));

/** Moves a key, and makes sure that this is answered in time. */
async function move(keyId: number, groups: readonly string[]): Promise<void> {
  const begun = performance.now();
  await done("PATCH", `/keys/${keyId}`, { groups });
  expect(performance.now() - begun).toBeLessThan(MOVED_WITHIN_MS);
}

async function linksOf(keyId: number): Promise<Map<string, string>> {
  const { links } = linksSchema.parse(await done("GET", `/keys/${keyId}/links`));
  return new Map(links.map(({ node, link }) => [node, link]));
}

/** The nodes that hold a key's user. */
async function holdersOf(keyId: number): Promise<string[]> {
  const held = await Promise.all(
    Object.values(nodes).map(async (node) => {
      const users = await node.listUsers();
      return users.some(({ email }) => email === `${keyId}@veil`) ? [node.name] : [];
    }),
  );
  return held.flat();
}

async function connect(link = ""): Promise<VpnClient> {
  const client = await startVpnClient((await stack.readRunFile()).xray.binary, link);
  clients.push(client);
  return client;
}

async function expectToCarry(...connected: readonly VpnClient[]): Promise<void> {
  for (const client of connected)
    expect(await client.download(bytes.downloadUrl(HALF_A_MEGABYTE))).toBe(HALF_A_MEGABYTE);
}

async function expectNotToCarry(client: VpnClient): Promise<void> {
  await expect(client.download(bytes.downloadUrl(HALF_A_MEGABYTE), SILENT_FOR_MS)).rejects.toThrow();
}

/** The bytes of a key that both processes have counted. */
async function counted(keyId: number): Promise<number> {
  const names = ["uplink", "downlink"].map((link) => `user>>>${keyId}@veil>>>traffic>>>${link}`);
  const values = await Promise.all(Object.values(nodes).flatMap((node) => names.map((name) => node.readCounter(name))));
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

test("a key moves to another node and back under a client that dials, and keeps its traffic", async () => {
  const { key_id: keyId } = await makeKey();
  expect(await holdersOf(keyId)).toEqual(["main"]);
  const [[, mainLink] = []] = await linksOf(keyId);
  const onMain = await connect(mainLink);
  await expectToCarry(onMain);

  await move(keyId, ["vip"]);
  await expectNotToCarry(onMain);
  expect(await holdersOf(keyId)).toEqual(["vip"]);
  // The API hears of a node that it shows a moment after the node is active.
  const moved = await vi.waitFor(async () => {
    const links = await linksOf(keyId);
    expect([...links.keys()]).toEqual(["vip"]);
    return links;
  });
  const onVip = await connect(moved.get("vip"));
  await expectToCarry(onVip);

  await move(keyId, ["default", "vip"]);
  await expectToCarry(onMain, onVip);
  expect([...(await linksOf(keyId)).keys()]).toEqual(["main", "vip"]);

  await move(keyId, ["default"]);
  await expectToCarry(onMain);
  await expectNotToCarry(onVip);
  expect(await holdersOf(keyId)).toEqual(["main"]);
  // What a client says at the end of a connection is counted a moment later.
  await vi.waitFor(async () => {
    await done("POST", "/traffic/sync");
    const { total } = trafficSchema.parse(await done("GET", `/keys/${keyId}/traffic`));
    expect(total).toBe(await counted(keyId));
    expect(total).toBeGreaterThan(5 * HALF_A_MEGABYTE);
  });
});

test("a key that is made while all nodes of its groups drain is refused with that reason", async () => {
  await done("POST", "/nodes/vip/drain");
  const refused = async () => {
    const reason = "no Xray node of its groups is active: they are drained; undrain one or add another";
    expect(await call("POST", "/keys", { groups: ["vip"] })).toEqual({
      status: 503,
      body: { detail: `Failed to create key: ${reason}` },
    });
  };
  await vi.waitFor(refused, { interval: 200 });
  await done("POST", "/nodes/vip/undrain");
  await vi.waitFor(() => makeKey(["vip"]), { interval: 200 });
});

test("a key that no node is for is made, and works as soon as there is one", async () => {
  const { key_id: keyId, subscription_url: url } = await makeKey(["nobody"]);
  expect(await holdersOf(keyId)).toEqual([]);
  const link = await call("GET", `/keys/${keyId}/link`);
  expect([link.status, link.body]).toEqual([409, { detail: "No host of an active node is for a group of the key" }]);
  const subscription = await fetch(`${stack.apiUrl}${new URL(url).pathname}/plain`);
  expect([subscription.status, decodeURIComponent(await subscription.text())]).toEqual([
    200,
    expect.stringMatching(/^vless:\/\/.*⛔/),
  ]);
  const { groups } = statsSchema.parse(await done("GET", "/stats"));
  expect(groups).toContainEqual({ name: "nobody", keys: 1 });

  await done("PATCH", "/nodes/vip", { groups: ["vip", "nobody"] });
  await vi.waitFor(async () => expect(await holdersOf(keyId)).toEqual(["vip"]));
  await vi.waitFor(async () => expect([...(await linksOf(keyId)).keys()]).toEqual(["vip"]));
  await expectToCarry(await connect((await linksOf(keyId)).get("vip")));
});

test("a node's users are those of its groups, a few seconds after these changed", async () => {
  const made = await Promise.all(Array.from({ length: 120 }, (_, index) => makeKey(index < 50 ? ["eu"] : ["vip"])));
  expect(made.map(({ groups: [group] }) => group).filter((group) => group === "eu")).toHaveLength(50);
  const held = async () => (await nodes.vip.listUsers()).length;
  const before = await held();
  await done("PATCH", "/nodes/vip", { groups: ["eu"] });
  await vi.waitFor(async () => expect(await held()).toBe(50), { interval: 100 });
  await done("PATCH", "/nodes/vip", { groups: ["vip", "nobody"] });
  await vi.waitFor(async () => expect(await held()).toBe(before), { interval: 100 });
});
