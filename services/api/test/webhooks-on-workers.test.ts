import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, isServiceReady, type ManagedProcess, startService, untilReady } from "@veil/engines";
import { SYSTEM, type VeilEvent } from "@veil/events";
import { type MongoStore, openMongoStore } from "@veil/mongo";
import { ownDatabase, ownPrefix, startWebhookReceiver, take, type WebhookReceiver } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";

const SECRET = "secret-of-the-webhooks-0123456789abcdefgh";
const SUBJECTS = 20;

const running: ManagedProcess[] = [];
let dataDir: string;
let url: string;
let store: MongoStore;
let receiver: WebhookReceiver;
let startWorker: (instance: string) => Promise<ManagedProcess>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "veil-webhooks-"));
  receiver = await startWebhookReceiver();
  const mongodbUri = ownDatabase(inject("mongodbUri"));
  const shared = {
    METRICS_HOST: "127.0.0.1",
    REDIS_URL: inject("redisUrl"),
    QUEUE_PREFIX: ownPrefix(),
    MONGODB_URI: mongodbUri,
    WEBHOOK_SECRET_KEY: "sealing-key-of-the-webhooks-0123456789ab",
    WEBHOOK_ALLOW_PRIVATE: "true",
  };
  const start = async (name: "api" | "xray-worker", instance: string, env: Record<string, string>) => {
    const metricsPort = await freePort();
    const service = await startService({
      name,
      logFile: join(dataDir, `${instance}.log`),
      env: { ...shared, METRICS_PORT: String(metricsPort), ...env },
    });
    running.push(service);
    const isReady = () => isServiceReady(`http://127.0.0.1:${metricsPort}`);
    expect(await untilReady(service, isReady, 60_000)).toBe("ready");
    return service;
  };
  const port = await freePort();
  await start("api", "api", { API_HOST: "127.0.0.1", API_PORT: String(port), API_SECRET_KEY: SECRET });
  url = `http://127.0.0.1:${port}`;
  const nowhere = JSON.stringify([{ name: "test", address: "127.0.0.1:1" }]);
  startWorker = (instance) => start("xray-worker", instance, { XRAY_NODES: nowhere });
  store = openMongoStore({ uri: mongodbUri, onError: () => undefined });
});

afterAll(async () => {
  await Promise.all(running.map((service) => service.stop()));
  await store.close();
  await receiver.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${SECRET}`, "Content-Type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return response.json();
}

let seq = 0;
let logged = 0;
/** Logs an event about one of a few keys. The workers log besides that their node is down. */
async function logEvent(): Promise<void> {
  const keyId = (seq + 1) % SUBJECTS;
  const event: VeilEvent = {
    id: randomUUID(),
    type: "key.updated",
    at: Math.floor(Date.now() / 1_000),
    actor: SYSTEM,
    subject: `key:${keyId}`,
    keyId,
    owner: null,
    data: { key: { key_id: keyId } },
  };
  if ((await store.events.append(seq, [event])) === "outrun") {
    seq += (await store.events.tail(seq, 10)).length;
    return logEvent();
  }
  seq += 1;
  logged += 1;
  await store.events.raiseCheckpoint(seq);
}

test("each event reaches the receiver in order of its key, while workers are killed and it fails at random", async () => {
  await startWorker("worker-0");
  const made = z
    .object({ id: z.string(), secret: z.string() })
    .parse(await call("POST", "/api/webhooks", { url: receiver.url, types: ["key.*"] }));
  receiver.secret = made.secret;
  const tested = await call("POST", `/api/webhooks/${made.id}/test`);
  expect(tested).toEqual({ success: true, message: "The receiver took the event" });
  receiver.taken.length = 0;
  receiver.answer = async (received, response) => {
    const dice = Math.random();
    if (dice < 0.1) void response.writeHead(503).end();
    else if (dice < 0.2) response.destroy();
    else {
      if (dice < 0.4) await sleep(50);
      void take(received, response);
    }
  };
  for (let round = 1; round <= 4; round += 1) {
    const before = receiver.taken.length;
    for (let index = 0; index < 60; index += 1) await logEvent();
    // In the middle of the deliveries.
    await expect
      .poll(() => receiver.taken.length, { timeout: 60_000, interval: 5 })
      .toBeGreaterThan(before + 10 * round);
    running.at(-1)?.signal("SIGKILL");
    await startWorker(`worker-${round}`);
  }
  receiver.answer = take;
  const taken = () => new Set(receiver.taken.map((event) => event.seq));
  await expect.poll(() => taken().size, { timeout: 120_000 }).toBe(logged);
  expect(receiver.forged).toEqual([]);
  const firsts = receiver.taken.filter((event, index, all) => all.findIndex((one) => one.seq === event.seq) === index);
  for (let subject = 0; subject < SUBJECTS; subject += 1) {
    const seqs = firsts.map((event) => event.seq).filter((each) => each % SUBJECTS === subject);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  }
  const repeated = receiver.taken.length - logged;
  process.stdout.write(
    `${logged} events, ${receiver.received.length} attempts, ${repeated} taken twice, 4 workers killed\n`,
  );
  await expect
    .poll(() => call("GET", `/api/webhooks/${made.id}`))
    .toMatchObject({ enabled: true, failing_since: null, last_error: null });
}, 400_000);
