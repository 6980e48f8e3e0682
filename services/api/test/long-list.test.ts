import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openMongoStore, type MongoStore } from "@veil/mongo";
import { ownDatabase, ownPrefix } from "@veil/test-support";
import { freePort } from "@veil/engines";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const SECRET = "secret-of-the-long-list-0123456789abcdef";
const keyCount = Number(process.env["VEIL_LIST_KEYS"] ?? 20_000);
const INSERTED_AT_ONCE = 5_000;
const CALLERS_AT_ONCE = 4;
/**
 * The heap that the API gets, of which it takes about 60 MB by itself. All keys as the driver's documents would take as much for
 * every caller.
 */
const HEAP_MB = 256;

const uri = ownDatabase(inject("mongodbUri"));
let mongo: MongoStore;
let api: ChildProcess;
let url: string;

beforeAll(async () => {
  mongo = openMongoStore({ uri, onError: () => undefined });
  await mongo.connection.asPromise();
  for (let start = 1; start <= keyCount; start += INSERTED_AT_ONCE) {
    const keys = Array.from({ length: INSERTED_AT_ONCE }, (_, index) => keyDocument(start + index));
    await mongo.connection.collection<(typeof keys)[number]>("keys").insertMany(keys, { ordered: false });
  }
  const [port, metricsPort] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${port}`;
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, METRICS_HOST: "127.0.0.1", METRICS_PORT: String(metricsPort), LOG_LEVEL: "warn" };
  const own = { API_HOST: "127.0.0.1", API_PORT: String(port), API_SECRET_KEY: SECRET, MONGODB_URI: uri };
  const shared = { REDIS_URL: inject("redisUrl"), QUEUE_PREFIX: ownPrefix() };
  api = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB}`, main], {
    env: { ...env, ...own, ...shared },
    stdio: "ignore",
  });
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
  return fetch(`${url}/api/keys`, { headers: { authorization: `Bearer ${SECRET}`, ...conditional } });
}

async function expectWholeList(): Promise<void> {
  const response = await readList();
  expect(response.status).toBe(200);
  const { keys, total } = list.parse(await response.json());
  expect([keys.length, total, keys[0]?.key_id, keys.at(-1)?.key_id]).toEqual([keyCount, keyCount, 1, keyCount]);
}

test("tens of thousands of keys are listed for several callers at once in a small heap", async () => {
  await Promise.all(Array.from({ length: CALLERS_AT_ONCE }, expectWholeList));
  expect(api.exitCode).toBeNull();
}, 300_000);

test("a long list has a tag, and is not sent again while nothing has changed", async () => {
  const first = await readList();
  await first.arrayBuffer();
  const again = await readList(first.headers.get("etag") ?? "");
  expect([again.status, await again.text()]).toEqual([304, ""]);
}, 300_000);
