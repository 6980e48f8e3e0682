import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { FailedJobs, JobAdder } from "@veil/job-queue";
import { connectRedis, type Redis } from "@veil/redis";
import { createLogger, createMetrics, type Release } from "@veil/runtime";
import { ownPrefix, startWebhookReceiver, take, type WebhookReceiver } from "@veil/test-support";
import {
  firstState,
  RETRY_FOR_MS,
  SEAL_NONCE_BYTES,
  SEALING_KEY_BYTES,
  sealSecret,
  SECRET_BYTES,
  secretText,
} from "@veil/webhooks";
import { InMemoryEvents, InMemoryWebhooks, storedWebhook } from "@veil/webhooks/testing";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { startWebhooks } from "../src/webhooks/start-webhooks.ts";
import { SEND_TIMEOUT_MS } from "../src/webhooks/webhook-sender.ts";
import { webhookMetrics } from "../src/webhooks/webhook-metrics.ts";

const sealingKey = randomBytes(SEALING_KEY_BYTES);
const log = createLogger({ service: "test", version: "0", level: "silent" });

/** More are not tried while all of them time out: as many as make a receiver count as away, and those under way meanwhile. */
const AWAY_AFTER_MANY = 32;

let redis: Redis;
let prefix: string;
let webhooks: InMemoryWebhooks;
let events: InMemoryEvents;
let receivers: WebhookReceiver[];
let stops: (() => Promise<void>)[];
/** Added to this host's clock. */
let skewMs: number;

beforeEach(() => {
  redis = connectRedis(inject("redisUrl"), "fail-fast", () => undefined);
  [prefix, webhooks, events, receivers, stops, skewMs] = [
    ownPrefix(),
    new InMemoryWebhooks(),
    new InMemoryEvents(),
    [],
    [],
    0,
  ];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  for (const receiver of receivers) await receiver.close();
  redis.disconnect();
});

/** A worker as far as it delivers. */
function startWorker() {
  const now = () => Date.now() + skewMs;
  const releases = new Map<string, Release[]>();
  const running = {
    onStop: (group: string, _name: string, release: Release) => {
      releases.set(group, [...(releases.get(group) ?? []), release]);
    },
  };
  const { wake } = startWebhooks(running, {
    redis,
    redisUrl: inject("redisUrl"),
    prefix,
    webhooks,
    events,
    sealingKey,
    isPrivateAllowed: true,
    agent: "Veil/test",
    metrics: webhookMetrics(createMetrics({ service: "test", version: "0", defaultMetrics: false })),
    onStep: () => undefined,
    hints: { expect: async () => ({ ready: () => undefined }) },
    telemetry: undefined,
    clock: { now, earliest: now, latest: now, monotonic: () => performance.now() },
    log,
  });
  const stop = async () => {
    for (const group of ["intake", "loops", "connections"]) {
      await Promise.all((releases.get(group) ?? []).map(async (release) => release(new AbortController().signal)));
    }
  };
  stops.push(stop);
  return { wake, stop };
}

/** A receiver with its webhook. */
async function webhookWithReceiver() {
  const receiver = await startWebhookReceiver();
  receivers.push(receiver);
  receiver.secret = secretText(randomBytes(SECRET_BYTES));
  const unsealed = storedWebhook({ url: receiver.url });
  const sealedSecret = sealSecret(receiver.secret, unsealed.id, sealingKey, randomBytes(SEAL_NONCE_BYTES));
  const webhook = { ...unsealed, sealedSecret };
  await webhooks.insert(webhook);
  return { receiver, webhook };
}

const seqsOf = (receiver: WebhookReceiver) => new Set(receiver.taken.map(({ seq }) => seq));

test("a receiver that never answers and one that is dead delay nobody", async () => {
  const [slow, dead, fast] = [await webhookWithReceiver(), await webhookWithReceiver(), await webhookWithReceiver()];
  slow.receiver.answer = () => undefined;
  await dead.receiver.close();
  receivers = receivers.filter((receiver) => receiver !== dead.receiver);
  for (let index = 0; index < 2_000; index += 1) events.add({ subject: `key:${index}` });
  const begun = performance.now();
  const { wake } = startWorker();
  wake();
  await expect.poll(() => seqsOf(fast.receiver).size, { timeout: 120_000 }).toBe(2_000);
  const tookMs = performance.now() - begun;
  expect([fast.receiver.forged, slow.receiver.forged, slow.receiver.taken]).toEqual([[], [], []]);
  expect(slow.receiver.received.length).toBeLessThanOrEqual(AWAY_AFTER_MANY + tookMs / SEND_TIMEOUT_MS);
  events.add({ subject: "key:new" });
  const asked = performance.now();
  wake();
  await expect.poll(() => seqsOf(fast.receiver).size).toBe(2_001);
  expect(performance.now() - asked).toBeLessThan(SEND_TIMEOUT_MS);
  process.stdout.write(`2,000 events in ${Math.round(tookMs)} ms beside a receiver that hangs and a dead one\n`);
});

test("receivers that answer at the last moment leave room for others, however many they are", async () => {
  const [slow, fast] = [await webhookWithReceiver(), await webhookWithReceiver()];
  slow.receiver.answer = () => undefined;
  for (let index = 0; index < 300; index += 1) {
    const webhook = storedWebhook({ url: slow.receiver.url });
    const sealedSecret = sealSecret(slow.receiver.secret, webhook.id, sealingKey, randomBytes(SEAL_NONCE_BYTES));
    await webhooks.insert({ ...webhook, sealedSecret, createdAt: 1 });
    await webhooks.keepDelivery({ ...firstState(webhook), isSlow: true, revision: 1 });
  }
  events.add();
  startWorker();
  await expect.poll(() => slow.receiver.received.length).toBeGreaterThanOrEqual(32);
  for (let round = 1; round <= 3; round += 1) {
    events.add();
    await expect.poll(() => seqsOf(fast.receiver).size, { timeout: 0.7 * SEND_TIMEOUT_MS }).toBe(round + 1);
  }
});

test("two workers deliver in order per subject while a receiver fails at random and Redis is emptied", async () => {
  const { receiver } = await webhookWithReceiver();
  receiver.answer = (received, response) => {
    if (Math.random() < 0.2) void response.writeHead(500).end();
    else void take(received, response);
  };
  startWorker();
  startWorker();
  for (let round = 0; round < 10; round += 1) {
    for (let index = 0; index < 30; index += 1) events.add({ subject: `key:${index % 7}` });
    await sleep(150);
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(...keys);
  }
  receiver.answer = take;
  await expect.poll(() => seqsOf(receiver).size, { timeout: 120_000 }).toBe(300);
  expect(receiver.forged).toEqual([]);
  const firsts = receiver.taken.filter(({ seq }, index, all) => all.findIndex((one) => one.seq === seq) === index);
  const subjectOf = new Map(events.all.map(({ seq, subject }) => [seq, subject]));
  for (const subject of new Set(subjectOf.values())) {
    const seqs = firsts.filter(({ seq }) => subjectOf.get(seq) === subject).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  }
});

test("what a webhook is not meant to get any more holds nothing up, though it was to be tried in an hour", async () => {
  const { receiver, webhook } = await webhookWithReceiver();
  events.add({ type: "key.updated", subject: "key:1" });
  events.add({ type: "key.expired", subject: "key:1" });
  const waits = {
    subject: "key:1",
    seqs: [1, 2],
    attempts: 12,
    since: 1_000,
    nextAt: Date.now() + 3_000_000,
    at: 1_000,
  };
  await webhooks.keepDelivery({ ...firstState(webhook), cursor: 2, lanes: [waits], revision: 1 });
  startWorker();
  await webhooks.replace({ ...webhook, types: ["key.expired"], revision: 2 }, 1);
  await expect.poll(() => [...seqsOf(receiver)]).toEqual([2]);
  expect(await webhooks.delivery(webhook.id)).toMatchObject({ webhookRevision: 2 });
});

test("an event that was tried for a day waits among the failed jobs, and is delivered when it is repeated", async () => {
  const { receiver, webhook } = await webhookWithReceiver();
  receiver.answer = ({ seq }, response) => void response.writeHead(seq === 1 ? 500 : 204).end();
  events.add();
  events.add();
  startWorker();
  const failedFirst = async () => (await webhooks.delivery(webhook.id))?.lanes.some(({ since }) => since !== null);
  await expect.poll(failedFirst).toBe(true);
  skewMs = RETRY_FOR_MS + 1;
  const failed = await FailedJobs.open({ queue: "veil-webhooks", redisUrl: inject("redisUrl"), prefix });
  await expect.poll(() => failed.list()).toHaveLength(1);
  const [job] = await failed.list();
  expect(job).toMatchObject({
    name: "repeat-delivery",
    reason: "The receiver answered 500",
    payload: { webhook_id: webhook.id, seq: 1, event_id: "evt_1" },
  });
  await expect.poll(() => [...seqsOf(receiver)]).toEqual([2]);
  receiver.answer = take;
  await failed.retry(job?.id ?? "");
  await expect.poll(() => [...seqsOf(receiver)].toSorted()).toEqual([1, 2]);
  expect(await failed.list()).toEqual([]);
  await failed.close();
});

test("what is under way is broken off at a stop, and delivered by the next worker", async () => {
  const { receiver, webhook } = await webhookWithReceiver();
  receiver.answer = () => undefined;
  for (let index = 0; index < 20; index += 1) events.add({ subject: `key:${index}` });
  const { stop } = startWorker();
  await expect.poll(() => receiver.received.length).toBe(8);
  const begun = performance.now();
  await stop();
  expect(performance.now() - begun).toBeLessThan(SEND_TIMEOUT_MS);
  expect((await webhooks.delivery(webhook.id)) ?? firstState(webhook)).toMatchObject({ failures: 0 });
  receiver.answer = take;
  startWorker();
  await expect.poll(() => seqsOf(receiver).size).toBe(20);
});

test("a last attempt that is broken off at a stop is made by the next worker", async () => {
  const { receiver, webhook } = await webhookWithReceiver();
  receiver.answer = () => undefined;
  events.add();
  await webhooks.keepDelivery({ ...firstState(webhook), cursor: 1, revision: 1 });
  const { stop } = startWorker();
  const jobs = new JobAdder(redis, { prefix, onError: () => undefined });
  const payload = { webhook_id: webhook.id, seq: 1, event_id: "evt_1" };
  await vi.waitFor(() => jobs.add("repeat-delivery", `repeat-${webhook.id}-1`, payload));
  await expect.poll(() => receiver.received.length).toBe(1);
  await stop();
  receiver.answer = take;
  startWorker();
  await expect.poll(() => [...seqsOf(receiver)]).toEqual([1]);
  jobs.close();
});
