import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { ApiClient } from "../support/api-client.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { pythonWith } from "../support/python-with.ts";
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
  // Ample time for every write, so that a machine which is busy with other things changes nothing.
  stack = await startStack(dataDir.path, { WRITE_DEADLINE_MS: "60000" });
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

/** As a bot has it: what a busy machine does not answer in time is asked again, and done once. */
async function sendUntilAnswered(method: string, path: string, body: unknown) {
  const headers = { "idempotency-key": randomUUID() };
  return vi.waitFor(async () => {
    const answered = await send(method, path, body, headers);
    expect([answered.status, answered.answer]).toEqual([200, expect.anything()]);
    return answered;
  }, REPEATED_FOR_MS);
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

test("a write that is answered later tells what became of it", async () => {
  const accepted = await send("POST", "/api/keys", { name: "later" }, { prefer: "respond-async" });
  expect(accepted.status).toBe(202);
  const location = accepted.headers.get("location") ?? "";
  const ask = async () => {
    const response = await fetch(stack.apiUrl + location, { headers: { authorization: `Bearer ${stack.apiKey}` } });
    return z.object({ status: z.string(), result: key.optional() }).parse(await response.json());
  };
  await expect.poll(ask).toMatchObject({ status: "succeeded", result: { name: "later" } });
});

/** Kills the API as a crash would and waits until another one answers. @returns how long nobody did, in milliseconds */
async function killApi(): Promise<number> {
  const { api } = await stack.readRunFile();
  process.kill(api.pid, "SIGKILL");
  const killedAt = performance.now();
  await expect.poll(async () => (await stack.readRunFile()).api.pid, poll).not.toBe(api.pid);
  await expect
    .poll(
      () =>
        fetch(stack.apiUrl).then(
          ({ ok }) => ok,
          () => false,
        ),
      poll,
    )
    .toBe(true);
  return performance.now() - killedAt;
}

const poll = { timeout: 60_000, interval: 100 };
const KILLS = 5;
const REPEATED_FOR_MS = 200_000;

const bot = z.object({
  VeilApi: z.custom<new (url: string, key: string) => { createKey(name: string): Promise<unknown> }>(),
});

test("a bot with 3 retries per call makes exactly as many keys as it meant to while the API is killed now and then", async () => {
  const { VeilApi } = bot.parse(await import(join(repoRoot, "examples/javascript/veil-api.mjs")));
  const api = new VeilApi(stack.apiUrl, stack.apiKey);
  const meant: string[] = [];
  const answered = Array.from({ length: 8 }, () => 0);
  let open = true;
  const shoppers = answered.map(async (_, shopper) => {
    while (open) {
      const name = `meant-${meant.length}`;
      meant.push(name);
      await api.createKey(name);
      answered[shopper] = (answered[shopper] ?? 0) + 1;
    }
  });
  const everybodyGoesOn = async () => {
    const before = [...answered];
    await expect.poll(() => answered.every((count, shopper) => count >= (before[shopper] ?? 0) + 2), poll).toBe(true);
  };
  const killing = async () => {
    const gaps: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      await everybodyGoesOn();
      gaps.push(await killApi());
    }
    await everybodyGoesOn();
    return gaps;
  };
  const [gaps] = await Promise.all([killing().finally(() => (open = false)), ...shoppers]);
  const made = (await listedNames()).filter((name) => name?.startsWith("meant-"));
  expect(made.toSorted()).toEqual(meant.toSorted());
  const longest = Math.round(Math.max(...gaps));
  process.stderr.write(
    `${meant.length} keys meant, ${made.length} made over ${KILLS} kills; no API for ${longest} ms at most\n`,
  );
});

async function examplesPython(): Promise<string | null> {
  const programs = await pythonWith("examples-python", ["requests"]);
  return programs === null ? null : join(programs, "python");
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

    const customer = `customer/${script}`;
    const trial = await say("trial", customer);
    expect(trial).toMatch(/^Key \d+: on_hold, no end, 1 GB, http.*\/sub\/\w+\n$/);
    const [, own = "", url = ""] = /^(Key \d+): .*, (http\S+)\n$/.exec(trial) ?? [];
    const dayIn = (days: number, at: number) => new Date(at + days * 86_400_000).toISOString().slice(0, 10);
    const askedAt = Date.now();
    const bought = await say("buy", customer, "30", "100");
    // A day may end while it is asked.
    const boughtAt = [askedAt, Date.now()].find((at) => bought.includes(dayIn(30, at))) ?? askedAt;
    expect(bought).toBe(`${own}: active, ${dayIn(30, boughtAt)}, 100 GB, ${url}\n`);
    const renewed = `${own}: active, ${dayIn(60, boughtAt)}, 100 GB, ${url}\n`;
    expect(await say("renew", customer, "30", `payment-${script}`)).toBe(renewed);
    expect(await say("renew", customer, "30", `payment-${script}`)).toBe(renewed);
    expect(await say("upgrade", customer, "500")).toBe(`${own}: active, ${dayIn(60, boughtAt)}, 500 GB, ${url}\n`);
    const page = await fetch(url, { headers: { accept: "text/html", "accept-language": "en" } });
    expect(await page.text()).toContain("500 GB");
    const picture = join(dataDir.path, "qr.png");
    await say("qr", customer, picture);
    const { headers } = await fetch(`${stack.apiUrl}/api/keys/${own.slice(4)}/qr.png`, {
      headers: { authorization: `Bearer ${stack.apiKey}` },
    });
    const { size } = await stat(picture);
    expect([headers.get("content-type"), headers.get("content-length")]).toEqual(["image/png", String(size)]);
    expect(await say("lost", customer)).not.toContain(url);
    expect(await say("ban", customer)).toContain(`${own}: disabled`);
    expect(await say("refund", customer)).toMatch(/^Key \d+ deleted successfully\n$/);

    const unlimited = await send("PUT", `/api/keys/by-external-id/unlimited-${script.length}`, {});
    expect(unlimited.status).toBe(200);
    expect(await say("renew", `unlimited-${script.length}`, "30", `unlimited-${script}`)).toContain("no limit, http");
  },
);

test("1,000 keys made in one call work at once, and are deleted in one call", {
  timeout: 3 * REPEATED_FOR_MS,
}, async () => {
  const keys = Array.from({ length: 1_000 }, (_, index) => ({ name: `thousand-${index}` }));
  const startedAt = performance.now();
  const body = { keys: [...keys.slice(1), { name: "bad\u0007" }] };
  const made = await sendUntilAnswered("POST", "/api/keys/batch", body);
  const createMs = Math.round(performance.now() - startedAt);
  const { results, succeeded, failed } = batch.parse(made.answer);
  expect([succeeded, failed, results.at(-1)?.detail]).toEqual([999, 1, "name must not contain control characters"]);
  const ids = results.flatMap((one) => (one.key === undefined ? [] : [one.key.key_id]));
  for (const index of [0, 1, 250, 500, 750, 997, 998]) await vi.waitFor(() => expectToConnect(ids[index] ?? 0));
  const listed = async () => (await listedNames()).filter((name) => name?.startsWith("thousand-"));
  await expect.poll(listed).toHaveLength(999);

  const deletingAt = performance.now();
  const deleted = await sendUntilAnswered("POST", "/api/keys/batch-delete", { key_ids: [...ids, 999_999] });
  const deleteMs = Math.round(performance.now() - deletingAt);
  expect(batch.parse(deleted.answer)).toMatchObject({ succeeded: 999, failed: 1 });
  await expect.poll(() => expectToConnect(ids[500] ?? 0).catch(String)).toMatch(/404/);
  process.stderr.write(`999 keys created in ${createMs} ms, deleted in ${deleteMs} ms\n`);
});
