import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiClient, ApiError } from "../support/api-client.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient, type VpnClient } from "../support/vpn-client.ts";

const MEGABYTE = 1_000_000;
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let api: ApiClient;
let bytes: ByteServer;
const clients: VpnClient[] = [];

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path);
  api = new ApiClient(stack.apiUrl, stack.apiKey);
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  await stack.stop();
  await bytes.stop();
  await dataDir.remove();
});

async function connectWith(link: string): Promise<VpnClient> {
  const { xray } = await stack.readRunFile();
  const client = await startVpnClient(xray.binary, link);
  clients.push(client);
  return client;
}

function expectWithinOnePercent(actual: number, moved: number): void {
  expect(actual).toBeGreaterThanOrEqual(moved);
  expect(actual).toBeLessThanOrEqual(moved * 1.01);
}

test("a key made from its link carries bytes at once, and they are counted to within one per cent", async () => {
  const { key_id } = await api.create("user");
  const client = await connectWith(await api.link(key_id));
  expect(await client.download(bytes.downloadUrl(20 * MEGABYTE))).toBe(20 * MEGABYTE);
  await client.upload(bytes.uploadUrl, 5 * MEGABYTE);
  const traffic = await api.traffic(key_id);
  expectWithinOnePercent(traffic.download, 20 * MEGABYTE);
  expectWithinOnePercent(traffic.upload, 5 * MEGABYTE);
  expect(traffic.total).toBe(traffic.upload + traffic.download);
});

test("every one of 20 keys works the moment its create is answered", async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => api.create()));
  const links = await Promise.all(made.map(({ key_id }) => api.link(key_id)));
  for (const link of links) {
    const client = await connectWith(link);
    expect(await client.download(bytes.downloadUrl(1_000))).toBe(1_000);
    await client.stop();
  }
});

test("a deleted key can't connect and is found nowhere", async () => {
  const { key_id } = await api.create("short-lived");
  const client = await connectWith(await api.link(key_id));
  await client.download(bytes.downloadUrl(1_000));
  await api.delete(key_id);
  await expect(client.download(bytes.downloadUrl(1_000))).rejects.toThrow();
  await expect(api.get(key_id)).rejects.toThrow(ApiError);
  expect((await api.list()).keys.map((key) => key.key_id)).not.toContain(key_id);
});

test("after a reset only later bytes count, whatever Xray's own counters say", async () => {
  const { key_id } = await api.create("reset");
  const client = await connectWith(await api.link(key_id));
  await client.download(bytes.downloadUrl(3 * MEGABYTE));
  const { previous_download } = await api.reset(key_id);
  expectWithinOnePercent(previous_download, 3 * MEGABYTE);
  await client.download(bytes.downloadUrl(2 * MEGABYTE));
  await api.sync();
  expectWithinOnePercent((await api.traffic(key_id)).download, 2 * MEGABYTE);
});

test("Ctrl-C loses none of the bytes that were moved just before", async () => {
  const { key_id } = await api.create("last-moment");
  const client = await connectWith(await api.link(key_id));
  await client.download(bytes.downloadUrl(4 * MEGABYTE));
  expect(await stack.stop()).toBe(0);

  stack = await startStack(dataDir.path);
  api = new ApiClient(stack.apiUrl, stack.apiKey);
  expectWithinOnePercent((await api.traffic(key_id)).download, 4 * MEGABYTE);
});

test("key and traffic survive a restart of everything, and the key still carries", async () => {
  const { key_id } = await api.create("survivor");
  const link = await api.link(key_id);
  const before = await connectWith(link);
  await before.download(bytes.downloadUrl(2 * MEGABYTE));
  await api.sync();
  expect(await stack.stop()).toBe(0);

  stack = await startStack(dataDir.path);
  api = new ApiClient(stack.apiUrl, stack.apiKey);
  expect((await api.get(key_id)).name).toBe("survivor");
  expectWithinOnePercent((await api.traffic(key_id)).download, 2 * MEGABYTE);
  const after = await connectWith(link);
  await after.download(bytes.downloadUrl(1 * MEGABYTE));
  expectWithinOnePercent((await api.traffic(key_id)).download, 3 * MEGABYTE);
});
