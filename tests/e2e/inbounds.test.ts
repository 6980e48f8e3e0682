import { startTestXray, startUdpEcho, type TestXray, type UdpEcho } from "@veil/test-support";
import { makeRealityKeys } from "@veil/xray-config";
import { type ConnectedXray, connectXrayNode } from "@veil/xray-grpc";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { apiCalls } from "../support/api-calls.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { eachProgram } from "../support/each-program.ts";
import { findRealPrograms } from "../support/real-programs.ts";
import { startVpnClient, type VpnClient } from "../support/vpn-client.ts";

const BODY_BYTES = 1_000_000;
const WITHIN = { timeout: 60_000, interval: 200 };
const SERVER_KEY = Buffer.alloc(16, 0xfb).toString("base64");
const keys = makeRealityKeys();
const DECRYPTION = `mlkem768x25519plus.native.600s.${keys.privateKey}`;
const ENCRYPTION = `mlkem768x25519plus.native.0rtt.${keys.publicKey}`;
const SILENT_FOR_MS = 3_000;
const ANSWER_WITHIN_MS = 10_000;

const linksSchema = z.object({
  links: z.array(z.object({ node: z.string(), protocol: z.string(), remark: z.string(), link: z.string() })),
});
const keySchema = z.looseObject({ key_id: z.number(), uuid: z.string() });
const trafficSchema = z.looseObject({ upload: z.number(), download: z.number(), total: z.number() });

const programs = await findRealPrograms();

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let xray: TestXray;
let bytes: ByteServer;
let node: ConnectedXray;
const { call, done } = apiCalls(() => stack);

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path, { TRAFFIC_SYNC_INTERVAL_SECONDS: "2", REALITY_FLOW: "xtls-rprx-vision" });
  xray = await startTestXray((await stack.readRunFile()).xray.binary, {
    udp: "open",
    inbounds: {
      "trojan-in": { protocol: "trojan" },
      "xhttp-in": { protocol: "vless", path: "/a" },
      "shadowsocks-in": { protocol: "shadowsocks-2022", serverKey: SERVER_KEY },
      "encrypted-in": { protocol: "vless", decryption: DECRYPTION },
      "encrypted-xhttp-in": { protocol: "vless", path: "/b", decryption: DECRYPTION },
      "lonely-in": { protocol: "shadowsocks-2022", serverKey: SERVER_KEY, isForOneKey: true },
    },
  });
  node = connectXrayNode({ name: "test", address: xray.api, inboundTag: xray.inboundTag });
});

afterAll(async () => {
  node.close();
  await xray.stop();
  await stack.stop();
  await bytes.stop();
  await dataDir.remove();
});

const inbounds = () => [
  { tag: xray.inboundTag, protocol: "vless" },
  { tag: "trojan-in", protocol: "trojan", port: xray.ports["trojan-in"] },
  { tag: "xhttp-in", protocol: "vless", transport: "xhttp", path: "/a", port: xray.ports["xhttp-in"] },
  {
    ...{ tag: "shadowsocks-in", protocol: "shadowsocks-2022", server_key: SERVER_KEY },
    port: xray.ports["shadowsocks-in"],
  },
  { tag: "encrypted-in", protocol: "vless", encryption: ENCRYPTION, port: xray.ports["encrypted-in"] },
  {
    ...{ tag: "encrypted-xhttp-in", protocol: "vless", transport: "xhttp", path: "/b", encryption: ENCRYPTION },
    port: xray.ports["encrypted-xhttp-in"],
  },
];
const newNode = () => {
  const { api: address, inboundPort: port, publicKey: public_key, shortId: short_id, serverName: sni } = xray;
  return { name: "fi-1", address, host: "127.0.0.1", port, public_key, short_id, sni, inbounds: inbounds() };
};
const linksOf = async (keyId: number) =>
  linksSchema.parse(await done("GET", `/keys/${keyId}/links`)).links.filter((link) => link.node === "fi-1");
const held = async () => {
  const users = await Promise.all(inbounds().map(({ tag }) => node.at(tag, tag).listUsers()));
  return users.map((list) => list.filter(({ email }) => email.endsWith("@veil")).length);
};

const everywhere = (users: number) => inbounds().map(() => users);

async function download(link: string, withinMs?: number): Promise<number> {
  return downloadWith(await startVpnClient((await stack.readRunFile()).xray.binary, link), withinMs);
}

/** @returns the bytes that came by each of a key's links */
async function downloadAll(keyId: number): Promise<number[]> {
  const moved: number[] = [];
  for (const { link } of await linksOf(keyId)) moved.push(await download(link));
  return moved;
}

/** @param withinMs how long it may be silent; 30 s when absent @returns the bytes that came; 0 when the client did not get through */
async function downloadWith(client: VpnClient, withinMs?: number): Promise<number> {
  try {
    return await client.download(bytes.downloadUrl(BODY_BYTES), withinMs).catch(() => 0);
  } finally {
    await client.stop();
  }
}

test("one key connects by every protocol of a node, and each byte is counted once", async () => {
  const { key_id: keyId } = keySchema.parse(await done("POST", "/keys", { name: "Anna" }));
  await done("POST", "/nodes", newNode());
  await vi.waitFor(async () => expect(await held()).toEqual(everywhere(1)), WITHIN);
  // Those that answer stand first: a worker may not have noted yet that one does.
  const links = await vi.waitFor(async () => {
    const found = await linksOf(keyId);
    expect(found.map(({ protocol, remark }) => [protocol, remark])).toEqual([
      ["vless", "Anna (fi-1)"],
      ["trojan", "Anna (fi-1 trojan)"],
      ["vless", "Anna (fi-1 vless)"],
      ["shadowsocks-2022", "Anna (fi-1 shadowsocks-2022)"],
      ["vless", "Anna (fi-1 vless)"],
      ["vless", "Anna (fi-1 vless)"],
    ]);
    return found;
  }, WITHIN);
  const moved = await downloadAll(keyId);
  expect(moved).toEqual(links.map(() => BODY_BYTES));

  const names = ["uplink", "downlink"].map((way) => `user>>>${keyId}@veil>>>traffic>>>${way}`);
  // What is said at the end of a connection is counted a moment later.
  await vi.waitFor(async () => {
    await done("POST", "/traffic/sync", {});
    const traffic = trafficSchema.parse(await done("GET", `/keys/${keyId}/traffic`));
    const [uplink, downlink] = await Promise.all(names.map((name) => node.readCounter(name)));
    expect(traffic).toMatchObject({ upload: uplink, download: downlink });
    expect(downlink).toBeGreaterThanOrEqual(links.length * BODY_BYTES);
  });

  const { metrics_url: metricsUrl } = (await stack.readRunFile())["stats-collector"];
  const series = /^veil_traffic_bytes_total\{[^}]*node="fi-1"[^}]*direction="download"[^}]*\} (\S+)$/m;
  await vi.waitFor(async () => {
    const counters = inbounds().map(({ tag }) => node.readCounter(`inbound>>>${tag}>>>traffic>>>downlink`));
    const carried = (await Promise.all(counters)).reduce((sum: number, count) => sum + (count ?? 0), 0);
    expect(carried).toBeGreaterThanOrEqual(links.length * BODY_BYTES);
    expect(series.exec(await (await fetch(metricsUrl)).text())?.[1]).toBe(String(carried));
  }, WITHIN);

  // Rebuilt, they are what they were.
  for (const tag of ["shadowsocks-in", "encrypted-in"]) await node.at(tag, tag).removeInbound();
  await vi.waitFor(async () => expect(await held()).toEqual(everywhere(1)), WITHIN);
  for (const { link } of links) expect(await download(link)).toBe(BODY_BYTES);

  await done("POST", `/keys/${keyId}/revoke`, { credentials: true });
  for (const { link } of links) expect(await download(link, SILENT_FOR_MS)).toBe(0);
  expect(await downloadAll(keyId)).toEqual(moved);

  await done("PATCH", `/keys/${keyId}`, { enabled: false });
  expect(await held()).toEqual(everywhere(0));
  await done("PATCH", `/keys/${keyId}`, { enabled: true });
  expect(await held()).toEqual(everywhere(1));
  expect(await downloadAll(keyId)).toEqual(moved);

  await done("DELETE", "/nodes/fi-1");
  expect(await held()).toEqual(everywhere(0));
  await done("DELETE", `/keys/${keyId}`);
});

describe("links of Shadowsocks and of VLESS encryption, as they are answered", () => {
  beforeAll(async () => {
    const { key_id: keyId } = keySchema.parse(await done("POST", "/keys", { name: "first" }));
    await done("POST", "/nodes", newNode());
    await vi.waitFor(async () => expect(await held()).toEqual(everywhere(1)), WITHIN);
    await done("DELETE", `/keys/${keyId}`);
  });

  afterAll(() => done("DELETE", "/nodes/fi-1"));

  eachProgram(programs, "", "carry bytes while there is the key", async (program) => {
    const { key_id: keyId } = keySchema.parse(await done("POST", "/keys", { name: "Anna" }));
    await vi.waitFor(async () => expect(await linksOf(keyId)).toHaveLength(inbounds().length), WITHIN);
    const links = (await linksOf(keyId)).map(({ link }) => link);
    const [shadowsocks = "", ...encrypted] = links.filter((link) => /^ss:|encryption=mlkem/.test(link));
    expect(encrypted).toHaveLength(2);
    // sing-box has no VLESS encryption.
    const usable = program.name.startsWith("sing-box") ? [shadowsocks] : [shadowsocks, ...encrypted];
    for (const link of usable) expect(await downloadWith(await program.start(link))).toBe(BODY_BYTES);
    await done("DELETE", `/keys/${keyId}`);
    for (const link of usable) expect(await downloadWith(await program.start(link), SILENT_FOR_MS)).toBe(0);
  });
});

describe("a datagram over Shadowsocks", () => {
  let echo: UdpEcho;
  beforeAll(async () => {
    echo = await startUdpEcho();
    await done("POST", "/nodes", newNode());
  });
  afterAll(async () => {
    await done("DELETE", "/nodes/fi-1");
    echo.close();
  });

  eachProgram(programs, "", "comes and goes, and is counted as the key's", async (program) => {
    const { key_id: keyId } = keySchema.parse(await done("POST", "/keys", { name: "Anna" }));
    await vi.waitFor(async () => expect(await linksOf(keyId)).toHaveLength(inbounds().length), WITHIN);
    const link = (await linksOf(keyId)).find(({ protocol }) => protocol === "shadowsocks-2022")?.link ?? "";
    // As large as the first datagram of QUIC.
    const datagram = Buffer.alloc(1_200, program.name);
    const client = await program.start(link);
    try {
      expect(await client.askByUdp(echo.port, datagram, ANSWER_WITHIN_MS)).toEqual(datagram);

      await done("POST", "/traffic/sync", {});
      // It was the only one, and is counted without what carries it.
      expect(trafficSchema.parse(await done("GET", `/keys/${keyId}/traffic`))).toMatchObject({
        upload: datagram.length,
        download: datagram.length,
      });

      await done("DELETE", `/keys/${keyId}`);
      const heard = echo.heard();
      expect(await client.askByUdp(echo.port, datagram, SILENT_FOR_MS)).toBeNull();
      expect(echo.heard()).toBe(heard);
    } finally {
      await client.stop();
    }
  });
});

test("what would keep every app out is refused, with what the running Xray has instead", async () => {
  const [vless, , xhttp, shadowsocks, encrypted] = inbounds();
  const { public_key, sni } = newNode();
  const [otherKey, otherServerKey] = [makeRealityKeys().publicKey, Buffer.alloc(16, 9).toString("base64")];
  const cases: readonly (readonly [object, string])[] = [
    [{ public_key: otherKey }, `vless-in .* has the public_key ${public_key}, not ${otherKey}`],
    [{ sni: "other.example" }, `vless-in .* takes the server names ${sni}, not the sni other.example`],
    [{ inbounds: [vless, { ...xhttp, path: "/other" }] }, "xhttp-in .* is found under the path /a, not /other"],
    [{ inbounds: [vless, { ...xhttp, transport: "tcp", path: null }] }, "xhttp-in .* speaks xhttp, not tcp"],
    [
      { inbounds: [vless, { ...shadowsocks, server_key: otherServerKey }] },
      "shadowsocks-in .* has another key of the server",
    ],
    [{ inbounds: [vless, { ...encrypted, encryption: null }] }, "encrypted-in .* asks for VLESS encryption"],
  ];
  const refused = (detail: string) => ({
    status: 400,
    body: { detail: expect.stringMatching(new RegExp(`^the inbound ${detail}`)) },
  });
  for (const [fields, detail] of cases) {
    expect(await call("POST", "/nodes", { ...newNode(), ...fields })).toMatchObject(refused(detail));
  }
  await done("POST", "/nodes", newNode());
  for (const [fields, detail] of cases)
    expect(await call("PATCH", "/nodes/fi-1", fields)).toMatchObject(refused(detail));
  await done("PATCH", "/nodes/fi-1", { note: "as it was", public_key, sni });
  await done("DELETE", "/nodes/fi-1");
});

test("inbounds that are another protocol's in the running Xray are refused, and those that are not there yet are not", async () => {
  const [vless, trojan] = inbounds();
  const wrong = { ...newNode(), inbounds: [vless, { ...trojan, protocol: "vless" }] };
  const detail = `the inbound trojan-in of the Xray at ${xray.api} takes users of trojan, not of vless`;
  expect(await call("POST", "/nodes", wrong)).toMatchObject({ status: 400, body: { detail } });
  const lonely = { tag: "lonely-in", protocol: "shadowsocks-2022", server_key: SERVER_KEY, port: 9 };
  expect(await call("POST", "/nodes", { ...newNode(), inbounds: [vless, lonely] })).toMatchObject({
    status: 400,
    body: { detail: expect.stringMatching(/^the inbound lonely-in .* has no client in its config: Xray takes users/) },
  });
  await done("POST", "/nodes", { ...newNode(), inbounds: [vless, { ...trojan, tag: "later" }] });
  expect(await call("PATCH", "/nodes/fi-1", { inbounds: wrong.inbounds })).toMatchObject({
    status: 400,
    body: { detail },
  });
  await done("DELETE", "/nodes/fi-1");
});
