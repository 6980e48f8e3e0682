import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectMongo, type MongoConnection } from "@veil/mongo-store";
import { ownDatabase, ownPrefix } from "@veil/test-support";
import getPort from "get-port";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const secret = "secret-of-the-long-list-0123456789abcdef";
const keyCount = Number(process.env["VEIL_LIST_KEYS"] ?? 20_000);
const insertedAtOnce = 5_000;
const callersAtOnce = 4;
/** All keys as the driver's documents take about 60 MB for one caller; this is for all callers together. */
const mostGrowthMb = 150;

const uri = ownDatabase(inject("mongodbUri"));
let mongo: MongoConnection;
let api: ChildProcess;
let url: string;

beforeAll(async () => {
  mongo = connectMongo({ uri, onError: () => undefined });
  await mongo.connection.asPromise();
  for (let start = 1; start <= keyCount; start += insertedAtOnce) {
    const keys = Array.from({ length: insertedAtOnce }, (_, index) => keyDocument(start + index));
    await mongo.connection.collection<(typeof keys)[number]>("keys").insertMany(keys, { ordered: false });
  }
  const [port, metricsPort] = [await getPort(), await getPort()];
  url = `http://127.0.0.1:${port}`;
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, METRICS_HOST: "127.0.0.1", METRICS_PORT: String(metricsPort), LOG_LEVEL: "warn" };
  const own = { API_HOST: "127.0.0.1", API_PORT: String(port), API_SECRET_KEY: secret, MONGODB_URI: uri };
  const shared = { REDIS_URL: inject("redisUrl"), QUEUE_PREFIX: ownPrefix() };
  api = spawn(process.execPath, [main], { env: { ...env, ...own, ...shared }, stdio: "ignore" });
  while (!(await isReady(`http://127.0.0.1:${metricsPort}/readyz`))) await sleep(50);
});

afterAll(async () => {
  api.kill("SIGKILL");
  if (api.exitCode === null && api.signalCode === null) await once(api, "exit");
  await mongo.connection.dropDatabase();
  await mongo.close();
});

function keyDocument(keyId: number) {
  const job = `create-${randomUUID()}`;
  return {
    _id: String(keyId),
    key_id: keyId,
    uuid: randomUUID(),
    name: `user_${keyId}`,
    created_at: 1,
    job,
    phase: 1,
    activated: true,
  };
}

async function isReady(address: string): Promise<boolean> {
  return fetch(address).then(
    ({ ok }) => ok,
    () => false,
  );
}

const list = z.object({ keys: z.array(z.object({ key_id: z.number() })), total: z.number() });

async function readList(etag?: string): Promise<Response> {
  const conditional = etag === undefined ? {} : { "if-none-match": etag };
  return fetch(`${url}/api/keys`, { headers: { authorization: `Bearer ${secret}`, ...conditional } });
}

/** The most memory that the API had since it was last asked, in MB, from Linux's books. */
async function peakMemoryMb(): Promise<number> {
  const text = await readFile(`/proc/${api.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? Number.NaN) / 1024;
}

async function expectWholeList(): Promise<void> {
  const response = await readList();
  expect(response.status).toBe(200);
  const { keys, total } = list.parse(await response.json());
  expect([keys.length, total, keys[0]?.key_id, keys.at(-1)?.key_id]).toEqual([keyCount, keyCount, 1, keyCount]);
}

test.skipIf(!existsSync("/proc/self/clear_refs"))(
  "tens of thousands of keys are listed for several callers at once in bounded memory",
  async () => {
    await expectWholeList();
    // Forgets the peak: what follows is measured from what the API holds now.
    await writeFile(`/proc/${api.pid}/clear_refs`, "5");
    const before = await peakMemoryMb();
    await Promise.all(Array.from({ length: callersAtOnce }, expectWholeList));
    const growth = (await peakMemoryMb()) - before;
    process.stderr.write(
      `${keyCount} keys for ${callersAtOnce} callers: ${Math.round(growth)} MB over ${Math.round(before)} MB\n`,
    );
    expect(growth).toBeLessThan(mostGrowthMb);
  },
  300_000,
);

test("a long list has a tag, and is not sent again while nothing has changed", async () => {
  const first = await readList();
  await first.arrayBuffer();
  const again = await readList(first.headers.get("etag") ?? "");
  expect([again.status, await again.text()]).toEqual([304, ""]);
}, 300_000);
