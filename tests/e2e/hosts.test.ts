import { DEFAULT_ENTRANCE } from "@veil/subscriptions";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { apiCalls } from "../support/api-calls.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { eachProgram } from "../support/each-program.ts";
import { findRealPrograms, type RealProgram } from "../support/real-programs.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import {
  checkSingBoxConfig,
  runMihomoConfig,
  runMihomoProvider,
  runSingBoxConfig,
  runXrayConfig,
} from "../support/subscription-clients.ts";
import type { VpnClient } from "../support/vpn-client.ts";

const BODY_BYTES = 100_000;
/** More than Xray, newly started, lets a connection wait. */
const SILENT_FOR_MS = 10_000;
const PATIENCE_MS = 45_000;
/** A change is known to all within two seconds; a busy machine gets one more to notice. */
const KNOWN_WITHIN_MS = 3_000;
const GIGABYTE = 1_024 ** 3;
/** Both are names that the inbound accepts. */
const [DEFAULT_SNI, OTHER_SNI] = ["www.microsoft.com", "microsoft.com"];

const keySchema = z.looseObject({ key_id: z.number(), subscription_url: z.string() });
type Key = z.infer<typeof keySchema>;
const linksSchema = z.object({ links: z.array(z.object({ host: z.string(), remark: z.string(), link: z.string() })) });
const hostsSchema = z.object({ hosts: z.array(z.looseObject({ id: z.string() })), total: z.number() });

const programs = await findRealPrograms();
const each = (prefix: string, what: string, run: (program: RealProgram) => Promise<void>) =>
  eachProgram(programs, prefix, what, run);

let bytes: ByteServer;
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let key: Key;
const clients: VpnClient[] = [];
const { call, done } = apiCalls(() => stack);

beforeAll(async () => {
  bytes = await startByteServer();
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path, { REALITY_SNI: DEFAULT_SNI, REALITY_SERVER_NAME: OTHER_SNI });
  key = keySchema.parse(await done("POST", "/keys", { name: "Анна", traffic_limit: 10 * GIGABYTE }));
  await done("PATCH", "/hosts/n_main", { address: "127.0.0.1", alpn: ["h2", "http/1.1"] });
  await done("PUT", "/hosts/by-name", {
    node: "main",
    address: "localhost",
    sni: OTHER_SNI,
    fingerprint: "firefox",
    remark: "🇫🇮 {key_name}: {traffic_left}",
    order: 1,
  });
  await expectRemarks(["Анна", "🇫🇮 Анна: 10 GB"]);
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.stop())));

afterAll(async () => {
  await stack?.stop();
  await bytes?.stop();
  await dataDir?.remove();
});

const linksOf = async ({ key_id }: Key) => linksSchema.parse(await done("GET", `/keys/${key_id}/links`)).links;

async function expectRemarks(remarks: readonly string[], of: Key = key): Promise<void> {
  const shown = async () => (await linksOf(of)).map(({ remark }) => remark);
  await vi.waitFor(async () => expect(await shown()).toEqual(remarks), { interval: 50 });
}

async function bodyOf(format: string, of: Key = key): Promise<string> {
  const response = await fetch(`${of.subscription_url}/${format}`);
  expect(response.status).toBe(200);
  return response.text();
}

async function expectToCarry<Client extends VpnClient>(started: Promise<Client>): Promise<Client> {
  const client = await started;
  clients.push(client);
  const received = () => client.download(bytes.downloadUrl(BODY_BYTES), SILENT_FOR_MS).catch(() => 0);
  await expect.poll(received, { timeout: PATIENCE_MS }).toBe(BODY_BYTES);
  return client;
}

test("links and lists have an entry for each host, with what it says", async () => {
  const links = await linksOf(key);
  expect(links.map(({ host }) => host)).toEqual(["127.0.0.1", "localhost"]);
  expect(links[0]?.link).toMatch(new RegExp(`&sni=${DEFAULT_SNI}&fp=chrome&.*&alpn=h2%2Chttp%2F1\\.1#`));
  expect(links[1]?.link).toMatch(new RegExp(`@localhost:\\d+\\?.*&sni=${OTHER_SNI}&fp=firefox&(?!.*alpn)`));
  expect(await done("GET", `/keys/${key.key_id}/link`)).toMatchObject({ vless_link: links[0]?.link });
  expect(await bodyOf("plain")).toBe(links.map(({ link }) => `${link}\n`).join(""));
  expect(Buffer.from(await bodyOf("base64"), "base64").toString()).toBe(await bodyOf("plain"));
});

each("Xray", "moves bytes with each config and each link as it is", async ({ path, start }) => {
  const configs = JSON.parse(await bodyOf("xray")) as object[];
  expect(configs).toHaveLength(2);
  for (const config of configs) {
    const client = await expectToCarry(runXrayConfig(path, JSON.stringify(config), DEFAULT_ENTRANCE.http));
    await client.stop();
  }
  for (const { link } of await linksOf(key)) await (await expectToCarry(start(link))).stop();
});

each("sing-box", "moves bytes with the config, whichever host comes first, and with each link", async (program) => {
  for (const [order, first, remarks] of [
    // The node behind the first host fills in what is left to the key.
    [2, "localhost", ["🇫🇮 Анна: 10 GB", "Анна (main)"]],
    [0, "127.0.0.1", ["Анна", "🇫🇮 Анна: 10 GB"]],
  ] as const) {
    await done("PATCH", "/hosts/n_main", { order });
    await expectRemarks(remarks);
    const config = await bodyOf("sing-box");
    expect(await checkSingBoxConfig(program.path, config)).toBe("");
    // The interface would take the traffic of the machine that runs the tests.
    const { inbounds, ...rest } = z
      .looseObject({ inbounds: z.array(z.looseObject({ type: z.string() })), outbounds: z.array(z.looseObject({})) })
      .parse(JSON.parse(config));
    expect(rest.outbounds[1]).toMatchObject({ server: first });
    const harmless = { ...rest, inbounds: inbounds.filter(({ type }) => type !== "tun") };
    const running = runSingBoxConfig(program.path, JSON.stringify(harmless), DEFAULT_ENTRANCE.mixed);
    await (await expectToCarry(running)).stop();
  }
  for (const { link } of await linksOf(key)) await (await expectToCarry(program.start(link))).stop();
});

each("mihomo", "moves bytes through each host, with the config and as a provider", async ({ path }) => {
  for (const start of [
    async () => runMihomoConfig(path, await bodyOf("mihomo"), DEFAULT_ENTRANCE.mixed),
    () => runMihomoProvider(path, key.subscription_url),
    () => runMihomoProvider(path, `${key.subscription_url}/base64`),
  ]) {
    const client = await start();
    clients.push(client);
    const names = ["Анна", "🇫🇮 Анна: 10 GB"];
    await expect.poll(() => client.controller.proxiesOf("VPN"), { timeout: PATIENCE_MS }).toEqual(names);
    for (const name of names) {
      await client.controller.select("VPN", name);
      await expectToCarry(Promise.resolve(client));
    }
    await client.stop();
  }
});

test("a name that the inbound does not accept moves nothing", async () => {
  await done("PUT", "/hosts/wrong", { node: "main", address: "127.0.0.1", sni: "wrong.example", remark: "wrong" });
  await vi.waitFor(async () => expect((await linksOf(key)).map(({ remark }) => remark)).toContain("wrong"));
  const [xray] = programs;
  const wrong = (await linksOf(key)).find(({ remark }) => remark === "wrong")?.link ?? "";
  const client = await xray?.start(wrong);
  if (client !== undefined) clients.push(client);
  expect(await client?.download(bytes.downloadUrl(BODY_BYTES), 3_000).catch(() => 0)).toBe(0);
  await done("DELETE", "/hosts/wrong");
});

test("hosts show up, hide and go within two seconds, for the keys that they are meant for", async () => {
  const premium = keySchema.parse(await done("POST", "/keys", { name: "Пётр", groups: ["premium"] }));
  expect(await linksOf(premium)).toEqual([]);
  expect((await call("GET", `/keys/${premium.key_id}/link`)).body).toEqual({
    detail: "No host of an active node is for a group of the key",
  });
  expect(await bodyOf("plain", premium)).toContain("@0.0.0.0:1?");

  for (const id of ["n_main", "by-name"]) await done("PATCH", `/hosts/${id}`, { groups: ["default"] });
  await done("PATCH", "/nodes/main", { groups: ["default", "premium"] });
  await done("PUT", "/hosts/fast", { node: "main", address: "127.0.0.1", groups: ["premium"], remark: "fast" });
  const since = Date.now();
  await expectRemarks(["fast"], premium);
  expect(Date.now() - since).toBeLessThan(KNOWN_WITHIN_MS);
  const [xray] = programs;
  await expectToCarry(xray?.start((await linksOf(premium))[0]?.link ?? "") ?? Promise.reject(new Error("no Xray")));

  await done("PATCH", "/hosts/n_main", { hidden: true });
  await expectRemarks(["🇫🇮 Анна: 10 GB"]);
  await done("PATCH", "/hosts/by-name", { remark: null });
  await expectRemarks(["Анна"]);
  await done("DELETE", "/hosts/fast");
  await expectRemarks([], premium);
  const { hosts, total } = hostsSchema.parse(await done("GET", "/hosts"));
  expect([hosts.map(({ id }) => id), total]).toEqual([["n_main", "by-name"], 2]);
});
