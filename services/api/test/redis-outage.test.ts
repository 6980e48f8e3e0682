import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  findRedis,
  freePort,
  isServiceReady,
  type ManagedProcess,
  type RunningRedis,
  startRedis,
  startService,
  untilReady,
} from "@veil/engines";
import { WRITE_DEADLINE_MS } from "@veil/keys";
import { connectRedis } from "@veil/redis";
import { ownDatabase } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";

/** A Redis of its own, since these tests have it refuse and stop. */
let redis: RunningRedis;
let api: ManagedProcess;
let dataDir: string;
let url: string;
let opsUrl: string;
const SECRET = "secret-of-the-redis-outage-0123456789abc";

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "veil-outage-"));
  redis = await startRedis({ binary: await findRedis({ progress: () => undefined }), dataDir: join(dataDir, "redis") });
  const [port, metricsPort] = [await freePort(), await freePort()];
  [url, opsUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${metricsPort}`];
  api = await startService({
    name: "api",
    logFile: join(dataDir, "api.log"),
    env: {
      METRICS_HOST: "127.0.0.1",
      METRICS_PORT: String(metricsPort),
      API_HOST: "127.0.0.1",
      API_PORT: String(port),
      API_SECRET_KEY: SECRET,
      MONGODB_URI: ownDatabase(inject("mongodbUri")),
      REDIS_URL: redis.url,
    },
  });
  expect(await untilReady(api, () => isServiceReady(opsUrl), 60_000)).toBe("ready");
});

afterAll(async () => {
  await api.stop();
  await redis.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function call(method: string, path: string) {
  const begun = performance.now();
  const response = await fetch(url + path, { method, headers: { Authorization: `Bearer ${SECRET}` } });
  const { status, headers } = response;
  const text = await response.text();
  return { status, text, retryAfter: headers.get("retry-after"), ms: performance.now() - begun };
}

const readyz = async () => {
  const response = await fetch(`${opsUrl}/readyz`);
  return [response.status, await response.text()];
};

async function isUp(): Promise<string | undefined> {
  const page = await (await fetch(`${opsUrl}/metrics`)).text();
  return /^veil_dependency_up\{dependency="redis"\} (\d)$/m.exec(page)?.[1];
}

/** The API goes on reading, refuses writes at once, stays ready, and says what it misses. */
async function expectReadsAlone(): Promise<void> {
  await vi.waitFor(async () => expect(await isUp()).toBe("0"), { interval: 200 });
  const degraded = '{"status":"degraded","checks":{"mongodb":"ok","redis":"failed"}}';
  await vi.waitFor(async () => expect(await readyz()).toEqual([200, degraded]), { interval: 200 });
  expect(await call("GET", "/api/keys")).toMatchObject({ status: 200, text: '{"keys":[],"total":0}' });
  const write = await call("POST", "/api/keys");
  expect(write).toMatchObject({ status: 503, text: '{"detail":"Failed to create key: the job queue is unavailable"}' });
  expect(Number(write.retryAfter)).toBeGreaterThan(0);
  expect(write.ms).toBeLessThan(0.8 * WRITE_DEADLINE_MS);
}

test("a Redis without memory is known, refuses writes at once, and leaves the API ready for reads", async () => {
  const admin = connectRedis(redis.url, "patient", () => undefined);
  await admin.config("SET", "maxmemory", "1");
  await expectReadsAlone();
  await admin.config("SET", "maxmemory", "0");
  admin.disconnect();
  await vi.waitFor(async () => expect(await isUp()).toBe("1"), { interval: 200 });
  const whole = '{"status":"ok","checks":{"mongodb":"ok","redis":"ok"}}';
  await vi.waitFor(async () => expect(await readyz()).toEqual([200, whole]), { interval: 200 });
});

test("a Redis that is gone leaves the API ready for reads", async () => {
  await redis.stop();
  await sleep(100);
  await expectReadsAlone();
});
