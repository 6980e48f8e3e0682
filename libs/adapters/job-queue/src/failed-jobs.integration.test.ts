import { randomUUID } from "node:crypto";
import { connectRedis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { keyHandlers } from "../test/key-handlers.ts";
import { PermanentJobError, QueueUnavailableError } from "./errors.ts";
import { FailedJobs } from "./failed-jobs.ts";
import { JobAdder } from "./job-adder.ts";
import { createJobClient, type JobClient } from "./job-client.ts";
import { consumeJobs, type JobConsumer } from "./job-consumer.ts";
import type { JobHandlers } from "./job-dispatcher.ts";

const redisUrl = inject("redisUrl");
const ignore = () => undefined;
let prefix: string;
let client: JobClient;
let failed: FailedJobs;
let consumer: JobConsumer;

beforeEach(async () => {
  prefix = ownPrefix();
  client = createJobClient({ redisUrl, prefix, onError: ignore });
  await vi.waitFor(() => expect(client.connected).toBe(true));
  failed = await FailedJobs.open({ queue: "veil-keys", redisUrl, prefix });
});

afterEach(async () => {
  await consumer.close();
  await failed.close();
  await client.close();
});

function consume(cancel: JobHandlers<"veil-keys">["cancel-creation"]): void {
  consumer = consumeJobs({
    queue: "veil-keys",
    redisUrl,
    prefix,
    concurrency: 8,
    handlers: keyHandlers({ "cancel-creation": cancel }),
    onStep: ignore,
    onError: ignore,
  });
}

async function submit(job = "create-1"): Promise<string> {
  const id = `cancel-${randomUUID()}`;
  await client.submit("cancel-creation", id, { job, request_id: "request-1" });
  return id;
}

test("a job that failed for good is listed with its reason and its payload", async () => {
  consume(() => Promise.reject(new PermanentJobError("there is no such thing")));
  const before = Date.now();
  const id = await submit();
  await client.awaitResult("cancel-creation", id, 30_000);
  const [job, ...more] = await failed.list();
  expect(more).toEqual([]);
  expect(job).toMatchObject({
    id,
    name: "cancel-creation",
    reason: "there is no such thing",
    attempts: 1,
    payload: { job: "create-1", request_id: "request-1" },
  });
  expect(job?.failedAt).toBeGreaterThanOrEqual(before);
});

test("a failed job that is retried is delivered as one that may have begun, and leaves the list", async () => {
  let isMended = false;
  const redelivered: boolean[] = [];
  consume((_, delivery) => {
    redelivered.push(delivery.redelivered);
    return isMended ? Promise.resolve({ outcome: "cancelled" }) : Promise.reject(new PermanentJobError("poison"));
  });
  const id = await submit();
  await client.awaitResult("cancel-creation", id, 30_000);
  isMended = true;
  expect(await failed.retry(id)).toBe("retried");
  await vi.waitFor(async () => expect(await failed.list()).toEqual([]));
  await vi.waitFor(() => expect(redelivered).toEqual([false, true]));
});

test("who repeats a write has its failed job delivered again and hears the new end, of several at once just once", async () => {
  let isMended = false;
  let deliveries = 0;
  consume(() => {
    deliveries += 1;
    return isMended ? Promise.resolve({ outcome: "cancelled" }) : Promise.reject(new PermanentJobError("poison"));
  });
  const id = await submit();
  expect(await client.awaitResult("cancel-creation", id, 30_000)).toMatchObject({ state: "failed" });
  isMended = true;
  await Promise.all(Array.from({ length: 5 }, () => client.retry("cancel-creation", id)));
  const end = { state: "finished", result: { outcome: "cancelled" } };
  expect(await client.awaitResult("cancel-creation", id, 30_000)).toEqual(end);
  await client.retry("cancel-creation", id);
  await client.retry("cancel-creation", "no-such-job");
  expect(await client.awaitResult("cancel-creation", id, 30_000)).toEqual(end);
  expect(deliveries).toBe(2);
});

test("of large jobs that failed few are kept, and small ones beside them", async () => {
  consume(() => Promise.reject(new PermanentJobError("poison")));
  const large = "x".repeat(1_024 * 1_024);
  for (let round = 0; round < 5; round += 1) {
    const ids = await Promise.all(Array.from({ length: 4 }, () => submit(large)));
    await Promise.all(ids.map((id) => client.awaitResult("cancel-creation", id, 20_000)));
  }
  const small = await Promise.all(Array.from({ length: 20 }, () => submit()));
  await Promise.all(small.map((id) => client.awaitResult("cancel-creation", id, 5_000)));
  const kept = await failed.list();
  expect(kept.map(({ id }) => id)).toEqual(expect.arrayContaining(small));
  const bytes = kept.reduce((sum, { payload }) => sum + JSON.stringify(payload).length, 0);
  expect(bytes).toBeLessThan(9 * 1_024 * 1_024);
});

test("a job that is unknown or has not failed is not retried", async () => {
  consume(() => Promise.resolve({ outcome: "cancelled" }));
  const id = await submit();
  await client.awaitResult("cancel-creation", id, 30_000);
  expect(await failed.retry(id)).toBe("absent");
  expect(await failed.retry("no-such-job")).toBe("absent");
});

test("without Redis opening fails instead of waiting for ever", async () => {
  consume(() => Promise.reject(new Error("not expected")));
  const opening = FailedJobs.open({ queue: "veil-keys", redisUrl: "redis://127.0.0.1:1", prefix });
  await expect(opening).rejects.toBeInstanceOf(QueueUnavailableError);
});

test("events of webhooks that were given up are kept, however many", async () => {
  const gaveUp = 1_100;
  consumer = consumeJobs({
    queue: "veil-webhooks",
    redisUrl,
    prefix,
    concurrency: 50,
    handlers: {
      "deliver-events": async () => ({ outcome: "idle" }),
      "repeat-delivery": () => Promise.reject(new PermanentJobError("The receiver answered 500")),
      "test-webhook": () => Promise.reject(new PermanentJobError("broken off")),
    },
    onStep: ignore,
    onError: ignore,
  });
  const redis = connectRedis(redisUrl, "fail-fast", ignore);
  const jobs = new JobAdder(redis, { prefix, onError: ignore });
  const ofWebhooks = await FailedJobs.open({ queue: "veil-webhooks", redisUrl, prefix });
  try {
    const seqs = Array.from({ length: gaveUp }, (_, index) => index + 1);
    const add = (seq: number) =>
      jobs.add("repeat-delivery", `repeat-wh_1-${seq}`, { webhook_id: "wh_1", seq, event_id: `${seq}-1-0-1` });
    await Promise.all(seqs.map(add));
    await jobs.add("test-webhook", "test-1", { webhook_id: "wh_1", owner: null, deadline: 1, request_id: "r-1" });
    await vi.waitFor(async () => expect(await ofWebhooks.list()).toHaveLength(gaveUp + 1));
    const kept = `${prefix}:veil-webhooks:repeat-wh_1-${gaveUp}`;
    expect(await redis.hgetall(kept)).not.toHaveProperty("stacktrace", expect.stringContaining(" at "));
    expect(await redis.memory("USAGE", kept, "SAMPLES", 0)).toBeLessThan(1_500);
  } finally {
    await ofWebhooks.close();
    jobs.close();
    redis.disconnect();
  }
});
