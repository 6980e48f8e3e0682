import { randomUUID } from "node:crypto";
import { ownPrefix } from "@veil/test-support";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { keyHandlers } from "../test/key-handlers.ts";
import { PermanentJobError } from "./errors.ts";
import { LARGEST_MICRO_BATCH } from "./micro-batch.ts";
import { createJobClient, type JobClient, type SubmitOptions } from "./job-client.ts";
import { consumeJobs, type JobConsumer } from "./job-consumer.ts";
import type { JobHandler } from "./job-dispatcher.ts";
import type { JobStep } from "./job-steps.ts";

const redisUrl = inject("redisUrl");
const ignore = () => undefined;
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
      client.submit("delete-key", id, { key_id, deadline, request_id: `request-${key_id}` }, options),
    ),
  );
  return ids;
}

function resultsOf(ids: readonly string[]) {
  return Promise.all(ids.map((id) => client.awaitResult("delete-key", id, 10_000)));
}

/** A worker reports its steps when Redis has confirmed them, which may be after the client heard of the end. */
async function reportedSteps(count: number): Promise<readonly JobStep[]> {
  await vi.waitFor(() => expect(steps).toHaveLength(count));
  return steps;
}

const deleted = { state: "finished", result: { outcome: "deleted" } };

test("jobs submitted at the same moment travel as one, and each gets its own result", async () => {
  consume(async ({ key_id }) => ({ outcome: key_id === 1 ? "not-found" : "deleted" }));
  const ids = await submitDeletions(3, { isFresh: true });
  expect(await resultsOf(ids)).toEqual([deleted, { state: "finished", result: { outcome: "not-found" } }, deleted]);
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

test("when one of them asks for another attempt all are delivered again, and know it", async () => {
  const deliveries: string[] = [];
  consume(async ({ key_id }, { redelivered }) => {
    deliveries.push(`${key_id} ${redelivered}`);
    if (key_id === 1 && !redelivered) throw new Error("the store is away");
    return { outcome: "deleted" };
  });
  expect(await resultsOf(await submitDeletions(2, { isFresh: true }))).toEqual([deleted, deleted]);
  expect(deliveries).toEqual(["0 false", "1 false", "0 true", "1 true"]);
  expect((await reportedSteps(4)).map(({ state }) => state)).toEqual(["retried", "retried", "completed", "completed"]);
});

test("one that fails for good fails alone", async () => {
  consume(async ({ key_id }) => {
    if (key_id === 1) throw new PermanentJobError("never");
    return { outcome: "deleted" };
  });
  const ends = await resultsOf(await submitDeletions(3, { isFresh: true }));
  expect(ends).toEqual([deleted, { state: "failed", reason: "never" }, deleted]);
  expect((await reportedSteps(3)).map(({ state }) => state)).toEqual(["completed", "failed", "completed"]);
});

test("its progress and its end are found without the event that reports them", async () => {
  const ids = await submitDeletions(2, { isFresh: true });
  expect(await Promise.all(ids.map((id) => client.progress("delete-key", id)))).toEqual(["queued", "queued"]);
  expect(await client.awaitResult("delete-key", ids[0] ?? "", 10)).toEqual({ state: "pending" });
  consume(async () => ({ outcome: "deleted" }));
  await vi.waitFor(async () => expect(await client.progress("delete-key", ids[1] ?? "")).toBe("ended"));
  expect(await client.awaitResult("delete-key", ids[1] ?? "", 0)).toEqual(deleted);
});
