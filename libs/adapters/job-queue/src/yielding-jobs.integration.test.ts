import { jobDefinition, jobNamesOf } from "@veil/job-contract";
import { connectRedis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { Worker } from "bullmq";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { keyHandlers } from "../test/key-handlers.ts";
import { createJobClient, type JobClient } from "./job-client.ts";
import { consumeJobs } from "./job-consumer.ts";
import { openQueues } from "./open-queues.ts";
import { readQueueFigures } from "./queue-figures.ts";

const QUEUE = "veil-keys";
const redisUrl = inject("redisUrl");
const ignore = () => undefined;
const stamp = { owner: null, deadline: Date.now() + 60_000, request_id: "r" };
let prefix: string;
let client: JobClient;
let closing: (() => unknown)[];

beforeEach(async () => {
  prefix = ownPrefix();
  const moment = Date.now();
  // One batch in a second is exempt.
  client = createJobClient({ redisUrl, prefix, clock: { now: () => moment }, onError: ignore });
  closing = [() => client.close()];
  await vi.waitFor(() => expect(client.connected).toBe(true));
});
afterEach(async () => {
  for (const close of closing.toReversed()) await close();
});

/** Batches wait, and single writes come after them. @returns the ids in the order of their submission */
async function submitAll(): Promise<string[]> {
  const batches = ["batch-0", "batch-1", "batch-2", "batch-3"];
  for (const id of batches) await client.submit("delete-keys", id, { key_ids: [1, 2], ...stamp });
  const singles = ["single-0", "single-1"];
  for (const id of singles) await client.submit("delete-key", id, { key_id: 1, ...stamp });
  return [...batches, ...singles];
}

const IN_ORDER = ["batch-0", "single-0", "single-1", "batch-1", "batch-2", "batch-3"];

test("single writes go ahead of the batches that wait, of which the first is exempt, and all are done", async () => {
  await submitAll();
  const done: string[] = [];
  const consumer = consumeJobs({
    queue: QUEUE,
    redisUrl,
    prefix,
    concurrency: 1,
    handlers: keyHandlers({
      "delete-key": async (_, { jobId }) => {
        done.push(jobId);
        return { outcome: "deleted" };
      },
      "delete-keys": async ({ key_ids: ids }, { jobId, attempt }) => {
        // A retry keeps its place behind single writes, and its result.
        if (jobId === "batch-1" && attempt === 1) throw new Error("again");
        done.push(jobId);
        return { outcome: "done", items: ids.map(() => ({ outcome: "deleted" })) };
      },
    }),
    onStep: ignore,
    onError: ignore,
  });
  closing.push(() => consumer.close());
  for (const id of IN_ORDER) {
    const name = id.startsWith("batch") ? "delete-keys" : "delete-key";
    expect(await client.awaitResult(name, id, 30_000)).toMatchObject({ state: "finished" });
  }
  expect(done.toSorted()).toEqual(IN_ORDER.toSorted());
  expect(done.slice(0, 3)).toEqual(IN_ORDER.slice(0, 3));
});

test("a worker of an earlier version takes them in the same order", async () => {
  await submitAll();
  const done: (string | undefined)[] = [];
  const worker = new Worker(
    QUEUE,
    async ({ id }) => {
      done.push(id);
      return { outcome: "done", items: [] };
    },
    { connection: { url: redisUrl, maxRetriesPerRequest: null }, prefix, concurrency: 1 },
  );
  worker.on("error", ignore);
  closing.push(() => worker.close());
  await vi.waitFor(() => expect(done).toEqual(IN_ORDER), { timeout: 20_000 });
});

test("batches that wait count, and are found by their ids", async () => {
  const redis = connectRedis(redisUrl, "fail-fast", ignore);
  const queues = openQueues(redis, ignore, prefix);
  closing.push(
    () => redis.disconnect(),
    () => queues.close(),
  );
  await vi.waitFor(() => expect(redis.status).toBe("ready"));
  for (const id of ["batch-0", "batch-1", "batch-2"]) {
    await client.submit("delete-keys", id, { key_ids: [1], ...stamp });
  }
  // As when its request is repeated.
  await client.submit("delete-keys", "batch-1", { key_ids: [1], ...stamp });
  const [keys] = await readQueueFigures(await queues.all());
  expect(keys).toMatchObject({ counts: { waiting: 1, prioritized: 2 } });
  expect(await client.progress("delete-keys", "batch-1")).toBe("queued");
});

test("jobs on many keys yield to single writes, and no others", () => {
  const yielding = jobNamesOf(QUEUE).filter((name) => jobDefinition(name).yields !== undefined);
  expect(yielding).toEqual(["create-keys", "cancel-creations", "delete-keys"]);
});
