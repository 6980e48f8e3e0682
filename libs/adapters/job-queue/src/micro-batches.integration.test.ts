import { randomUUID } from "node:crypto";
import { ownPrefix } from "@veil/test-support";
import { Queue, Worker } from "bullmq";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { keyHandlers } from "../test/key-handlers.ts";
import { PermanentJobError } from "./errors.ts";
import { FailedJobs } from "./failed-jobs.ts";
import { LARGEST_MICRO_BATCH } from "./micro-batch.ts";
import { createJobClient, type JobClient, type SubmitOptions } from "./job-client.ts";
import { consumeJobs, type JobConsumer } from "./job-consumer.ts";
import type { JobHandler } from "./job-dispatcher.ts";
import type { JobStep } from "./job-steps.ts";

const redisUrl = inject("redisUrl");
const ignore = () => undefined;
/** A worker that starts on a busy machine takes longer than the second that vitest waits by itself. */
const deadline = Date.now() + 60_000;
let prefix: string;
let client: JobClient;
let consumer: JobConsumer | undefined;
let steps: JobStep[];

beforeEach(async () => {
  prefix = ownPrefix();
  steps = [];
  client = createJobClient({ redisUrl, prefix, onError: ignore });
  await vi.waitFor(() => expect(client.connected).toBe(true));
});

afterEach(async () => {
  await consumer?.close();
  await client.close();
});

function consume(deleteKey: JobHandler<"delete-key">): void {
  const own = steps;
  consumer = consumeJobs({
    queue: "veil-keys",
    redisUrl,
    prefix,
    concurrency: 8,
    handlers: keyHandlers({ "delete-key": deleteKey }),
    onStep: (step) => own.push(step),
    onError: ignore,
  });
}

/** Submits deletions of the keys 0, 1, … at the same moment. @returns their job ids */
async function submitDeletions(count: number, options: SubmitOptions): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `delete-${randomUUID()}`);
  await Promise.all(
    ids.map((id, key_id) =>
      client.submit("delete-key", id, { key_id, owner: null, deadline, request_id: `request-${key_id}` }, options),
    ),
  );
  return ids;
}

function resultsOf(ids: readonly string[]) {
  return Promise.all(ids.map((id) => client.awaitResult("delete-key", id, 30_000)));
}

/** A worker reports its steps when Redis has confirmed them, which may be after the client heard of the end. */
async function reportedSteps(count: number): Promise<readonly JobStep[]> {
  await vi.waitFor(() => expect(steps).toHaveLength(count));
  return steps;
}

const deleted = { state: "finished", result: { outcome: "deleted" } };

test("jobs submitted at the same moment travel as one, and each gets its own result", async () => {
  consume(async ({ key_id }) => ({ outcome: key_id === 0 ? "not-found" : "deleted" }));
  const ids = await submitDeletions(3, { isFresh: true });
  expect(await resultsOf(ids)).toEqual([{ state: "finished", result: { outcome: "not-found" } }, deleted, deleted]);
  const reported = await reportedSteps(3);
  expect(new Set(reported.map(({ microBatchId }) => microBatchId)).size).toBe(1);
  expect(reported).toMatchObject(
    ids.map((jobId, keyId) => ({ jobId, keyId, requestId: `request-${keyId}`, state: "completed", attempt: 1 })),
  );
});

test("each gets its own request, not that of the micro-batch", async () => {
  const seen: unknown[] = [];
  consume(async ({ key_id }, { jobId, requestId, requestedAt }) => {
    seen.push({ key_id, jobId, requestId, requestedAt });
    return { outcome: "deleted" };
  });
  const ids = await submitDeletions(2, { isFresh: true, requestedAt: 1_700_000_000_000 });
  await resultsOf(ids);
  expect(seen).toEqual(
    ids.map((jobId, key_id) => ({ key_id, jobId, requestId: `request-${key_id}`, requestedAt: 1_700_000_000_000 })),
  );
});

test("a burst larger than a micro-batch travels in several", async () => {
  consume(async () => ({ outcome: "deleted" }));
  const ids = await submitDeletions(LARGEST_MICRO_BATCH + 2, { isFresh: true });
  expect(await resultsOf(ids)).toEqual(ids.map(() => deleted));
  const reported = await reportedSteps(ids.length);
  expect(new Set(reported.map(({ microBatchId }) => microBatchId)).size).toBe(2);
});

test.each([{ isFresh: false }, {}])("jobs that others may submit too travel alone: %j", async (options) => {
  consume(async () => ({ outcome: "deleted" }));
  await resultsOf(await submitDeletions(3, options));
  expect((await reportedSteps(3)).map(({ microBatchId }) => microBatchId)).toEqual([undefined, undefined, undefined]);
});

test("when all of them ask for another attempt they are delivered again together, and know it", async () => {
  const deliveries: string[] = [];
  consume(async ({ key_id }, { redelivered }) => {
    deliveries.push(`${key_id} ${redelivered}`);
    if (!redelivered) throw new Error("the store is away");
    return { outcome: "deleted" };
  });
  expect(await resultsOf(await submitDeletions(2, { isFresh: true }))).toEqual([deleted, deleted]);
  expect(deliveries).toEqual(["0 false", "1 false", "0 true", "1 true"]);
  expect((await reportedSteps(4)).map(({ state }) => state)).toEqual(["retried", "retried", "completed", "completed"]);
});

test("one that fails for good fails alone, and is found among the failed jobs under its own id", async () => {
  consume(async ({ key_id }) => {
    if (key_id === 0) throw new PermanentJobError("never");
    return { outcome: "deleted" };
  });
  const ids = await submitDeletions(3, { isFresh: true });
  expect(await resultsOf(ids)).toEqual([{ state: "failed", reason: "never" }, deleted, deleted]);
  const reported = await reportedSteps(4);
  expect(reported.map(({ jobId, state }) => `${ids.indexOf(jobId)} ${state}`).toSorted()).toEqual([
    "0 failed",
    "0 retried",
    "1 completed",
    "2 completed",
  ]);
  const failed = await FailedJobs.open({ queue: "veil-keys", redisUrl, prefix });
  expect(await failed.list()).toMatchObject([
    { id: ids[0], name: "delete-key", reason: "never", payload: { key_id: 0, request_id: "request-0" } },
  ]);
  await failed.close();
});

test("one that asks for another attempt again and again has it alone: the others do not wait for it", async () => {
  const deliveries = [0, 0, 0];
  let mayEnd = false;
  consume(async ({ key_id }) => {
    deliveries[key_id] = (deliveries[key_id] ?? 0) + 1;
    if (key_id === 2 && !mayEnd) throw new Error("not yet");
    return { outcome: "deleted" };
  });
  const ids = await submitDeletions(3, { isFresh: true });
  expect(await resultsOf(ids.slice(0, 2))).toEqual([deleted, deleted]);
  mayEnd = true;
  expect(await client.awaitResult("delete-key", ids[2] ?? "", 30_000)).toEqual(deleted);
  expect(deliveries).toEqual([1, 1, expect.any(Number)]);
});

test("one that goes on alone is followed without the event that reports it", async () => {
  consume(async ({ key_id }) => {
    if (key_id === 0) throw new Error("never");
    return { outcome: "deleted" };
  });
  const ids = await submitDeletions(2, { isFresh: true });
  expect(await client.awaitResult("delete-key", ids[1] ?? "", 30_000)).toEqual(deleted);
  expect(await client.progress("delete-key", ids[0] ?? "")).not.toBe("ended");
  expect(await client.awaitResult("delete-key", ids[0] ?? "", 10)).toEqual({ state: "pending" });
});

describe("what other versions made of them", () => {
  let queue: Queue;

  beforeEach(() => {
    queue = new Queue("veil-keys", { connection: { url: redisUrl }, prefix });
  });
  afterEach(() => queue.close());

  test("a micro-batch larger than this version takes is refused at once, and reported as one job", async () => {
    consume(async () => ({ outcome: "deleted" }));
    const bundle = Array.from({ length: LARGEST_MICRO_BATCH + 1 }, (_, key_id) => ({
      id: `delete-${key_id}`,
      requested_at: Date.now(),
      payload: { key_id, owner: null, deadline, request_id: "" },
    }));
    await queue.add("delete-key", { bundle }, { jobId: "bundle-large", attempts: 12 });
    expect(await reportedSteps(1)).toMatchObject([{ jobId: "bundle-large", state: "failed", attempt: 1 }]);
    expect((await queue.getJob("bundle-large"))?.failedReason).toContain("micro-batch does not fit");
  });

  test("a job that the result of its micro-batch says nothing of has failed", async () => {
    const ids = await submitDeletions(2, { isFresh: true });
    const worker = new Worker("veil-keys", async () => ({ bundle: [{ id: ids[1], result: { outcome: "deleted" } }] }), {
      connection: { url: redisUrl, maxRetriesPerRequest: null },
      prefix,
    });
    const [missing, other] = await resultsOf(ids);
    await worker.close();
    expect(missing).toEqual({ state: "failed", reason: `the micro-batch's result lacks ${ids[0]}` });
    expect(other).toEqual(deleted);
  });
});

test("its progress and its end are found without the event that reports them", async () => {
  const ids = await submitDeletions(2, { isFresh: true });
  expect(await Promise.all(ids.map((id) => client.progress("delete-key", id)))).toEqual(["queued", "queued"]);
  expect(await client.awaitResult("delete-key", ids[0] ?? "", 10)).toEqual({ state: "pending" });
  consume(async () => ({ outcome: "deleted" }));
  await vi.waitFor(async () => expect(await client.progress("delete-key", ids[1] ?? "")).toBe("ended"));
  expect(await client.awaitResult("delete-key", ids[1] ?? "", 0)).toEqual(deleted);
});
