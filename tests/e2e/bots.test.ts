import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ApiClient } from "../support/api-client.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient } from "../support/vpn-client.ts";

const run = promisify(execFile);
const repoRoot = new URL("../../", import.meta.url).pathname;
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let bytes: ByteServer;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path);
});

afterAll(async () => {
  await stack.stop();
  await bytes.stop();
  await dataDir.remove();
});

const key = z.object({ key_id: z.number(), name: z.string().nullable() });
const batch = z.object({
  results: z.array(z.object({ status: z.string(), key: key.optional(), detail: z.string().optional() })),
  succeeded: z.number(),
  failed: z.number(),
});

async function send(method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(stack.apiUrl + path, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  return { status: response.status, answer, headers: response.headers };
}

async function listedNames(): Promise<(string | null)[]> {
  const { keys } = await new ApiClient(stack.apiUrl, stack.apiKey).list();
  return keys.map(({ name }) => name);
}

async function expectToConnect(keyId: number): Promise<void> {
  const link = await new ApiClient(stack.apiUrl, stack.apiKey).link(keyId);
  const { xray } = await stack.readRunFile();
  const client = await startVpnClient(xray.binary, link);
  try {
    expect(await client.download(bytes.downloadUrl(10_000))).toBe(10_000);
  } finally {
    await client.stop();
  }
}

test("1,000 keys made in one call work at once, and are deleted in one call", async () => {
  const keys = Array.from({ length: 1_000 }, (_, index) => ({ name: `bulk-${index}` }));
  const startedAt = performance.now();
  const made = await send("POST", "/api/keys/batch", { keys: [...keys.slice(1), { name: "bad\u0007" }] });
  const createMs = Math.round(performance.now() - startedAt);
  expect(made.status).toBe(200);
  const { results, succeeded, failed } = batch.parse(made.answer);
  expect([succeeded, failed, results.at(-1)?.detail]).toEqual([999, 1, "name must not contain control characters"]);
  const ids = results.flatMap((one) => (one.key === undefined ? [] : [one.key.key_id]));
  for (const index of [0, 1, 250, 500, 750, 997, 998]) await expectToConnect(ids[index] ?? 0);
  expect((await listedNames()).filter((name) => name?.startsWith("bulk-"))).toHaveLength(999);

  const deletingAt = performance.now();
  const deleted = await send("POST", "/api/keys/batch-delete", { key_ids: [...ids, 999_999] });
  const deleteMs = Math.round(performance.now() - deletingAt);
  expect(batch.parse(deleted.answer)).toMatchObject({ succeeded: 999, failed: 1 });
  await expect(expectToConnect(ids[500] ?? 0)).rejects.toThrow(/404/);
  process.stderr.write(`999 keys created in ${createMs} ms, deleted in ${deleteMs} ms\n`);
});

test("a write that is answered later tells what became of it", async () => {
  const accepted = await send("POST", "/api/keys", { name: "later" }, { prefer: "respond-async" });
  expect(accepted.status).toBe(202);
  const location = accepted.headers.get("location") ?? "";
  const ask = async () => {
    const response = await fetch(stack.apiUrl + location, { headers: { authorization: `Bearer ${stack.apiKey}` } });
    return z.object({ status: z.string(), result: key.optional() }).parse(await response.json());
  };
  await expect.poll(ask, { timeout: 20_000 }).toMatchObject({ status: "succeeded", result: { name: "later" } });
});

/** Kills the API as a crash would and waits until another one is there. */
async function killApi(): Promise<void> {
  const { api } = await stack.readRunFile();
  process.kill(api.pid, "SIGKILL");
  await expect.poll(async () => (await stack.readRunFile()).api.pid, { timeout: 30_000 }).not.toBe(api.pid);
}

const bot = z.object({
  VeilApi: z.custom<new (url: string, key: string) => { createKey(name: string): Promise<unknown> }>(),
});

test("a bot with 3 retries per call makes exactly as many keys as it meant to while the API is killed now and then", async () => {
  const { VeilApi } = bot.parse(await import(join(repoRoot, "examples/javascript/veil-api.mjs")));
  const api = new VeilApi(stack.apiUrl, stack.apiKey);
  const meant: string[] = [];
  let killing = true;
  const shopper = async () => {
    while (killing) {
      const name = `meant-${meant.length}`;
      meant.push(name);
      await api.createKey(name);
    }
  };
  const shoppers = Array.from({ length: 8 }, shopper);
  const kills = (async () => {
    for (let kill = 0; kill < 3; kill += 1) {
      await sleep(8_000);
      await killApi();
    }
    killing = false;
  })();
  await Promise.all([...shoppers, kills]);
  const made = (await listedNames()).filter((name) => name?.startsWith("meant-"));
  expect(made.toSorted()).toEqual(meant.toSorted());
  process.stderr.write(`${meant.length} keys meant and made over 3 kills\n`);
});

/** The Python of the documented examples, null without one. */
async function examplesPython(): Promise<string | null> {
  const home = join(repoRoot, ".cache/examples-python");
  const python = join(home, "bin/python");
  try {
    await access(python).catch(() => run("python3", ["-m", "venv", home]));
  } catch {
    return null;
  }
  await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "requests"]);
  return python;
}

test.for(["javascript/shop-bot.mjs", "python/shop_bot.py"])(
  "the example bot %s sells, counts and closes",
  async (script, { skip }) => {
    const interpreter = script.endsWith(".py") ? await examplesPython() : process.execPath;
    if (interpreter === null) {
      skip("this machine has no python3 with venv");
      return;
    }
    const env = { ...process.env, VEIL_API_URL: stack.apiUrl, VEIL_API_KEY: stack.apiKey };
    const say = async (...words: string[]) =>
      (await run(interpreter, [join(repoRoot, "examples", script), ...words], { env })).stdout;
    const sold = await say("sell", `order-${script}`, "buyer");
    expect(sold).toMatch(/^Key \d+: vless:\/\//);
    expect(await say("sell", `order-${script}`, "buyer")).toBe(sold);
    expect(await say("bulk", `bulk-${script}`, "25")).toBe("Made 25 keys, 0 failed\n");
    const keyId = /^Key (\d+)/.exec(sold)?.[1] ?? "";
    expect(await say("usage")).toContain(`Key ${keyId}: 0 bytes`);
    expect(await say("close", keyId, "999999")).toBe("Closed 1 keys, 1 were not there\n");
  },
);
