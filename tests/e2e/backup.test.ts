import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectXrayNode } from "@veil/xray-grpc";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { apiCalls } from "../support/api-calls.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient } from "../support/vpn-client.ts";

const repoRoot = new URL("../../", import.meta.url).pathname;
const MEGABYTE = 1_000_000;
const KEYS = 40;
/** Ids that may have been handed out after the backup. */
const IDS_LEFT_OUT = 10_000;

const keySchema = z.looseObject({ key_id: z.number(), uuid: z.string(), subscription_url: z.string() });
const listSchema = z.object({ keys: z.array(keySchema), total: z.number() });
const linkSchema = z.object({ vless_link: z.string() });
const trafficSchema = z.object({ upload: z.number(), download: z.number(), total: z.number() });
const tokenSchema = z.object({ token: z.string() });
const eventsSchema = z.object({
  events: z.array(
    z.object({
      id: z.string(),
      seq: z.number(),
      type: z.string(),
      data: z.object({ key: z.object({ key_id: z.number() }).optional() }),
    }),
  ),
});
const infoSchema = z.looseObject({ status: z.string(), download: z.number(), links: z.array(z.unknown()) });

/** The part of a system that bots hold, and that must be the same in a restored one. */
interface Held {
  readonly keys: z.infer<typeof keySchema>[];
  readonly links: string[];
  readonly traffic: z.infer<typeof trafficSchema>[];
}

type DataDir = Awaited<ReturnType<typeof temporaryDataDir>>;
let dirs: Record<"before" | "after", DataDir>;
let stack: RunningStack | null = null;
let bytes: ByteServer;
let receiver: Server;
const delivered: string[] = [];
let archive: string;
let before: Held;
let token: string;
const madeMeanwhile: number[] = [];

const settings = { WEBHOOK_ALLOW_PRIVATE: "true", RATE_LIMIT_PER_SECOND: "0" };
const runningStack = () => {
  if (stack === null) throw new Error("no stack runs");
  return stack;
};
const { done } = apiCalls(runningStack);

beforeAll(async () => {
  dirs = { before: await temporaryDataDir(), after: await temporaryDataDir() };
  archive = join(dirs.after.path, "backup.tar");
  bytes = await startByteServer();
  receiver = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => delivered.push(String(chunk)));
    request.on("end", () => response.end());
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  stack = await startStack(dirs.before.path, settings);
  await sell();
  before = await held();
  await backUpUnderLoad();
  await stack.stop();
  stack = null;
});

afterAll(async () => {
  await stack?.stop();
  receiver.close();
  await bytes.stop();
  for (const { remove } of Object.values(dirs)) await remove();
});

/** Keys of all kinds, of which the first has moved bytes, a token and a webhook. */
async function sell(): Promise<void> {
  const soon = Math.floor(Date.now() / 1_000) + 86_400;
  await done("POST", "/keys", { external_id: "tg-1", expires_at: soon, traffic_limit: 100 * MEGABYTE, note: "paid" });
  await done("POST", "/keys", { enabled: false });
  await Promise.all(Array.from({ length: KEYS - 2 }, (_, index) => done("POST", "/keys", { name: `user ${index}` })));
  await carry(2);
  token = tokenSchema.parse(await done("POST", "/tokens", { name: "bot", scopes: ["keys:read"] })).token;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has an address of this kind
  const { port } = receiver.address() as AddressInfo;
  await done("POST", "/webhooks", { url: `http://127.0.0.1:${port}/`, types: ["key.created"] });
}

/** Has a real client fetch megabytes with the key of an external id. */
async function carry(megabytes: number): Promise<void> {
  const { key_id: keyId } = keySchema.parse(await done("GET", "/keys/by-external-id/tg-1"));
  const { vless_link: link } = linkSchema.parse(await done("GET", `/keys/${keyId}/link`));
  const client = await startVpnClient((await runningStack().readRunFile()).xray.binary, link);
  try {
    expect(await client.download(bytes.downloadUrl(megabytes * MEGABYTE))).toBe(megabytes * MEGABYTE);
  } finally {
    await client.stop();
  }
  await done("POST", "/traffic/sync");
}

async function held(): Promise<Held> {
  const { keys } = listSchema.parse(await done("GET", "/keys?limit=1000"));
  const sold = keys.filter(({ key_id: keyId }) => keyId <= KEYS);
  const each = <T>(path: string, schema: z.ZodType<T>) =>
    Promise.all(sold.map(async ({ key_id: keyId }) => schema.parse(await done("GET", `/keys/${keyId}/${path}`))));
  return {
    keys: sold.map((key) => ({ ...key, subscription_url: new URL(key.subscription_url).pathname })),
    links: (await each("link", linkSchema)).map(({ vless_link: link }) => link),
    traffic: await each("traffic?refresh=false", trafficSchema),
  };
}

async function command(dataDir: DataDir, ...args: readonly string[]): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [join(repoRoot, "tools/local-stack/dist/backup-main.js"), ...args], {
    env: { ...process.env, VEIL_DATA_DIR: dataDir.path },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += String(chunk);
  });
  const [code] = z.tuple([z.number()]).parse((await once(child, "close")).slice(0, 1));
  return { code, said };
}

/** Bots go on writing while it is written: what they were answered before it began has to be in it. */
async function backUpUnderLoad(): Promise<void> {
  let isWriting = true;
  const writing = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (isWriting) {
        const { key_id: keyId } = keySchema.parse(await done("POST", "/keys", {}));
        madeMeanwhile.push(keyId);
        await done("PATCH", `/keys/${keyId}`, { note: "meanwhile", external_id: `meanwhile-${keyId}` });
        if (keyId % 3 === 0) await done("DELETE", `/keys/${keyId}`);
      }
    }),
  );
  const { code, said } = await command(dirs.before, "backup", "--to", archive);
  isWriting = false;
  await writing;
  expect([code, said]).toEqual([0, expect.stringContaining("reality-private-key")]);
}

test("an archive is for its owner alone", async () => {
  expect((await stat(archive)).mode & 0o777).toBe(0o600);
  expect(madeMeanwhile.length).toBeGreaterThan(0);
});

test("an empty system is filled from it: the same keys, links, totals, tokens and events", async () => {
  expect(await command(dirs.after, "restore", archive)).toEqual({
    code: 0,
    said: expect.stringContaining("Put api-secret-key"),
  });
  stack = await startStack(dirs.after.path, settings);
  expect(await held()).toEqual(before);
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${stack.apiUrl}/api/keys/1`, { headers })).status).toBe(200);
  const [sold] = before.keys;
  const address = `${stack.apiUrl}${sold?.subscription_url ?? ""}/info`;
  // Its server is left out while its users are being put back.
  await vi.waitFor(async () => {
    const info = infoSchema.parse(await (await fetch(address)).json());
    expect(info).toMatchObject({ status: "active", links: [expect.anything()] });
    expect(info.download).toBeGreaterThanOrEqual(2 * MEGABYTE);
  });
});

test("what was written meanwhile is whole: users in Xray, events and external ids are those of the keys", async () => {
  const { keys } = listSchema.parse(await done("GET", "/keys?limit=1000"));
  const usable = keys.filter(({ is_active: isActive }) => isActive).map(({ key_id: keyId }) => `${keyId}@veil`);
  const { xray } = await runningStack().readRunFile();
  const node = connectXrayNode({ name: "main", address: xray.api, inboundTag: xray.inbound_tag });
  try {
    const users = async () => (await node.listUsers()).map(({ email }) => email).toSorted();
    await vi.waitFor(async () => expect(await users()).toEqual(usable.toSorted()));
  } finally {
    node.close();
  }
  // Events that were not in the log yet come into it now.
  const isLogged = async () => {
    const { events } = eventsSchema.parse(await done("GET", "/events?limit=1000"));
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const created = events.filter(({ type }) => type === "key.created").map(({ data }) => data.key?.key_id);
    expect(created).toEqual(expect.arrayContaining(keys.map(({ key_id: keyId }) => keyId)));
  };
  await vi.waitFor(isLogged);
  for (const { key_id: keyId, external_id: externalId } of keys) {
    if (typeof externalId !== "string") continue;
    const path = `/keys/by-external-id/${externalId}`;
    expect(keySchema.parse(await done("GET", path)).key_id).toBe(keyId);
  }
});

test("it goes on: bytes are added to the totals, new keys get new ids, webhooks are delivered", async () => {
  await carry(1);
  const { download } = trafficSchema.parse(await done("GET", "/keys/1/traffic"));
  const earlier = before.traffic[0]?.download ?? 0;
  expect(download).toBeGreaterThanOrEqual(earlier + MEGABYTE);
  expect(download).toBeLessThan(earlier + 1.2 * MEGABYTE);
  const { key_id: keyId } = keySchema.parse(await done("POST", "/keys", {}));
  expect(keyId).toBeGreaterThan(IDS_LEFT_OUT);
  const isDelivered = () => expect(delivered.some((body) => body.includes(`"key_id":${keyId},`))).toBe(true);
  await vi.waitFor(isDelivered);
});

test("a system that runs, or holds something, is left as it is; a damaged archive deletes nothing", async () => {
  const running = await command(dirs.after, "restore", archive, "--replace");
  expect(running).toEqual({ code: 1, said: expect.stringContaining("A stack is running") });
  await stack?.stop();
  stack = null;
  const filled = await command(dirs.after, "restore", archive);
  expect(filled).toEqual({ code: 1, said: expect.stringContaining("is not empty") });
  const damaged = join(dirs.after.path, "damaged.tar");
  const content = await readFile(archive);
  await writeFile(damaged, content.subarray(0, content.length - 4_096));
  const cut = await command(dirs.after, "restore", damaged, "--replace");
  expect(cut).toEqual({ code: 1, said: expect.stringMatching(/incomplete|damaged/) });
  stack = await startStack(dirs.after.path, settings);
  expect(keySchema.parse(await done("GET", "/keys/by-external-id/tg-1")).key_id).toBe(before.keys[0]?.key_id);
});
