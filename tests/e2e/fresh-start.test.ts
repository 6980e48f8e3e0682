import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectXrayNode } from "@veil/xray-grpc";
import { freePort } from "@veil/engines";
import { afterEach, expect, test } from "vitest";
import { legacyDatabase, legacyRows } from "../../tools/import-keys/test/legacy-database.ts";
import { ApiClient } from "../support/api-client.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const run = promisify(execFile);
const repoRoot = new URL("../../", import.meta.url).pathname;
const releases: (() => unknown)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).toReversed()) await release();
});

async function start(env: Record<string, string> = {}): Promise<RunningStack> {
  const dataDir = await temporaryDataDir();
  releases.push(() => dataDir.remove());
  const stack = await startStack(dataDir.path, env);
  releases.push(() => stack.stop());
  return stack;
}

test("a fresh system that says it is ready makes its first key at once, with the id 1", async () => {
  const stack = await start();
  const { key_id, uuid } = await new ApiClient(stack.apiUrl, stack.apiKey).create("first");
  expect(key_id).toBe(1);
  const { xray } = await stack.readRunFile();
  const node = connectXrayNode({ name: "main", address: xray.api, inboundTag: xray.inbound_tag });
  releases.push(() => node.close());
  expect(await node.listUsers()).toEqual([
    expect.objectContaining({ email: "1@veil", account: expect.objectContaining({ uuid }) }),
  ]);
});

test("a database whose ids begin at 1 is imported beside a fresh start", async () => {
  const stack = await start();
  const rows = legacyRows(5);
  expect(rows.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
  const sqlite = join(stack.dataDir, "veil_xray.db");
  await writeFile(sqlite, await legacyDatabase(rows));
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], VEIL_DATA_DIR: stack.dataDir };
  const { stdout } = await run(process.execPath, ["tools/bootstrap.mjs", "import", "--sqlite", sqlite], {
    cwd: repoRoot,
    env,
  });
  expect(stdout).toContain("keys: 5 added");
  const api = new ApiClient(stack.apiUrl, stack.apiKey);
  const { keys } = await api.list();
  expect(keys.map(({ key_id, uuid }) => ({ id: key_id, uuid }))).toEqual(rows.map(({ id, uuid }) => ({ id, uuid })));
  expect((await api.create()).key_id).toBe(6);
});

test("ALLOWED_IPS without this machine keeps nothing from starting, and callers from here out", async () => {
  const stack = await start({ ALLOWED_IPS: "203.0.113.0/24" });
  expect((await fetch(`${stack.apiUrl}/`)).status).toBe(200);
  const refused = await fetch(`${stack.apiUrl}/api/keys`, { headers: { authorization: `Bearer ${stack.apiKey}` } });
  expect([refused.status, await refused.json()]).toEqual([403, { detail: "This address is not allowed" }]);
});

test("a node that is away keeps nothing from starting while another one answers", async () => {
  const { xray } = await (await start()).readRunFile();
  const nodes = [
    { name: "away", address: `127.0.0.1:${await freePort()}` },
    { name: "main", address: xray.api, inbound_tag: xray.inbound_tag },
  ];
  const stack = await start({ XRAY_NODES: JSON.stringify(nodes) });
  expect((await new ApiClient(stack.apiUrl, stack.apiKey).create()).key_id).toBe(1);
});
