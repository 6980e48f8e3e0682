import { randomUUID } from "node:crypto";
import { ownPrefix } from "@veil/test-support";
import { type Clock, ManualClock, systemClock } from "@veil/runtime";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { keyHandlers } from "../test/key-handlers.ts";
import { PermanentJobError, QueueUnavailableError } from "./errors.ts";
import { createJobClient, type JobClient } from "./job-client.ts";
import { consumeJobs, type JobConsumer } from "./job-consumer.ts";
import type { JobHandlers } from "./job-dispatcher.ts";
import type { JobStep } from "./job-steps.ts";

const redisUrl = inject("redisUrl");
const ignore = () => undefined;
let prefix: string;
let client: JobClient;
let consumers: JobConsumer[];

beforeEach(async () => {
  prefix = ownPrefix();
  consumers = [];
  client = createJobClient({ redisUrl, prefix, onError: ignore });
  await vi.waitFor(() => expect(client.connected).toBe(true));
});

afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close()));
  await client.close();
});

const payload = {
  key: { name: "user", owner: null, terms: {} },
  deadline: Date.now() + 60_000,
  request_id: "request-1",
};

function consume(
  handlers: Partial<JobHandlers<"veil-keys">>,
  onStep: (step: JobStep) => void = ignore,
  clock: Clock = systemClock,
): JobConsumer {
  const consumer = consumeJobs({
    queue: "veil-keys",
    redisUrl,
    prefix,
    concurrency: 8,
    handlers: keyHandlers({
      "cancel-creation": () => Promise.resolve({ outcome: "cancelled" }),
      "delete-key": () => Promise.resolve({ outcome: "not-found" }),
      ...handlers,
    }),
    clock,
    onStep,
    onError: ignore,
  });
  consumers.push(consumer);
  return consumer;
}

function newJob(): string {
  return `create-${randomUUID()}`;
}

test("a job's result reaches the client that submitted it", async () => {
  consume({ "delete-key": async ({ key_id }) => ({ outcome: key_id === 7 ? "deleted" : "not-found" }) });
  const jobId = `delete-${randomUUID()}`;
  await client.submit("delete-key", jobId, { key_id: 7, owner: null, deadline: payload.deadline, request_id: "r" });
  expect(await client.awaitResult("delete-key", jobId, 30_000)).toEqual({
    state: "finished",
    result: { outcome: "deleted" },
  });
});

test.each([-3_600_000, 3_600_000])(
  "a client whose clock is %i ms ahead of Redis' hears of a job's end at once",
  async (ahead) => {
    consume({});
    const other = createJobClient({ redisUrl, prefix, clock: { now: () => Date.now() + ahead }, onError: ignore });
    await vi.waitFor(() => expect(other.connected).toBe(true));
    for (let jobs = 0; jobs < 3; jobs += 1) {
      const jobId = `cancel-${newJob()}`;
      await other.submit("cancel-creation", jobId, { job: "create-1", request_id: "r" });
      const begun = performance.now();
      // One that it does not hear of is asked for when most of the time is over.
      expect(await other.awaitResult("cancel-creation", jobId, 20_000)).toMatchObject({ state: "finished" });
      expect(performance.now() - begun).toBeLessThan(10_000);
    }
    await other.close();
  },
);

test.each(["ends", "fails"])(
  "how long a job waited and took is measured by the clock that dates requests, and by none that is set: one that %s",
  async (end) => {
    const requestedAt = Date.now() - 24 * 3_600_000;
    const clock = new ManualClock(requestedAt + 250);
    const steps: JobStep[] = [];
    const handler = async () => {
      await clock.advance(40);
      clock.step(3_600_000);
      if (end === "fails") throw new PermanentJobError("it must not be");
      return { outcome: "cancelled" } as const;
    };
    consume({ "cancel-creation": handler }, (step) => steps.push(step), clock);
    await client.submit("cancel-creation", `cancel-${newJob()}`, { job: "create-1", request_id: "r" }, { requestedAt });
    await vi.waitFor(() => expect(steps).toMatchObject([{ waitedMs: 250, durationMs: 40 }]));
  },
);

test("a job that ended before anybody awaited it is found by another client", async () => {
  consume({});
  const jobId = `cancel-${newJob()}`;
  await client.submit("cancel-creation", jobId, { job: "create-1", request_id: "r" });
  await client.awaitResult("cancel-creation", jobId, 30_000);
  const other = createJobClient({ redisUrl, prefix, onError: ignore });
  await vi.waitFor(() => expect(other.connected).toBe(true));
  expect(await other.awaitResult("cancel-creation", jobId, 30_000)).toMatchObject({ state: "finished" });
  await other.close();
});

test("a job that throws is delivered again, and the handler knows it", async () => {
  const deliveries: boolean[] = [];
  consume({
    "create-key": async (_, { redelivered }) => {
      deliveries.push(redelivered);
      if (deliveries.length === 1) throw new Error("first time fails");
      return { outcome: "failed", detail: "second time answers" };
    },
  });
  const jobId = newJob();
  await client.submit("create-key", jobId, payload);
  const end = { state: "finished", result: { outcome: "failed", detail: "second time answers" } };
  expect(await client.awaitResult("create-key", jobId, 30_000)).toEqual(end);
  expect(deliveries).toEqual([false, true]);
  // One that has not heard of its end reads it, and why its first attempt failed stands beside its result.
  const other = createJobClient({ redisUrl, prefix, onError: ignore });
  try {
    await vi.waitFor(() => expect(other.connected).toBe(true));
    expect(await other.awaitResult("create-key", jobId, 30_000)).toEqual(end);
  } finally {
    await other.close();
  }
});

test("the same job id twice is one job", async () => {
  let runs = 0;
  const jobId = `cancel-${newJob()}`;
  await client.submit("cancel-creation", jobId, { job: "create-1", request_id: "r" });
  await client.submit("cancel-creation", jobId, { job: "create-1", request_id: "r" });
  consume({
    "cancel-creation": async () => {
      runs += 1;
      return { outcome: "cancelled" };
    },
  });
  await client.awaitResult("cancel-creation", jobId, 30_000);
  expect(runs).toBe(1);
});

test("a job that ended before it was submitted again gives its result at once", async () => {
  consume({});
  const jobId = `cancel-${newJob()}`;
  const other = createJobClient({ redisUrl, prefix, onError: ignore });
  await vi.waitFor(() => expect(other.connected).toBe(true));
  await other.submit("cancel-creation", jobId, { job: "create-1", request_id: "r" });
  await other.awaitResult("cancel-creation", jobId, 30_000);
  await client.submit("cancel-creation", jobId, { job: "create-1", request_id: "r" });
  const farAbove = 10 * 60_000;
  expect(await client.awaitResult("cancel-creation", jobId, farAbove)).toMatchObject({ state: "finished" });
  await other.close();
});

test("a wait that ends first says pending", async () => {
  const jobId = newJob();
  await client.submit("create-key", jobId, payload);
  expect(await client.awaitResult("create-key", jobId, 50)).toEqual({ state: "pending" });
  expect(await client.exists("create-key", jobId)).toBe(true);
  expect(await client.exists("create-key", newJob())).toBe(false);
});

test("a job's progress is known from its queueing to its end", async () => {
  const jobId = `cancel-${newJob()}`;
  expect(await client.progress("cancel-creation", jobId)).toBe("unknown");
  await client.submit("cancel-creation", jobId, { job: "create-1", request_id: "r" });
  expect(await client.progress("cancel-creation", jobId)).toBe("queued");
  let release: () => void = ignore;
  consume({
    "cancel-creation": async () => {
      await new Promise<void>((go) => {
        release = go;
      });
      return { outcome: "cancelled" };
    },
  });
  await vi.waitFor(async () => expect(await client.progress("cancel-creation", jobId)).toBe("running"));
  release();
  await client.awaitResult("cancel-creation", jobId, 30_000);
  expect(await client.progress("cancel-creation", jobId)).toBe("ended");
});

test("drain lets the job under way end and takes no other", async () => {
  let release: () => void = ignore;
  const steps: JobStep[] = [];
  const running = new Promise<void>((resolve) => {
    consume(
      {
        "cancel-creation": async () => {
          resolve();
          await new Promise<void>((go) => {
            release = go;
          });
          return { outcome: "cancelled" };
        },
      },
      (step) => steps.push(step),
    );
  });
  const jobId = `cancel-${newJob()}`;
  await client.submit("cancel-creation", jobId, { job: "create-1", request_id: "r" });
  await running;
  const drained = consumers[0]?.drain();
  release();
  await drained;
  expect(steps.map(({ state }) => state)).toEqual(["completed"]);
  const later = `cancel-${newJob()}`;
  await client.submit("cancel-creation", later, { job: "create-1", request_id: "r" });
  expect(await client.awaitResult("cancel-creation", later, 100)).toEqual({ state: "pending" });
});

test("without Redis a submit fails at once and surely happened not", async () => {
  const lonely = createJobClient({ redisUrl: "redis://127.0.0.1:1", prefix, onError: ignore });
  const failure = await lonely.submit("create-key", newJob(), payload).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(QueueUnavailableError);
  expect(failure).toMatchObject({ mayHaveHappened: false });
  await lonely.close();
});
