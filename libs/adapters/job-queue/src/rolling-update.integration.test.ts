import { randomUUID } from "node:crypto";
import { firstTerms, olderSubscriptionToken } from "@veil/keys";
import { ownPrefix } from "@veil/test-support";
import { type Job, Queue, QueueEvents, UnrecoverableError, Worker } from "bullmq";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { jobsOf1_0 } from "../test/jobs-of-1-0.ts";
import { keyHandlers } from "../test/key-handlers.ts";
import type { JobResult } from "@veil/job-contract";
import { createJobClient, type JobClient } from "./job-client.ts";
import { consumeJobs } from "./job-consumer.ts";
import { jobsOfMicroBatch } from "./micro-batch.ts";

const QUEUE = "veil-keys";
const redisUrl = inject("redisUrl");
const connection = { url: redisUrl, maxRetriesPerRequest: null };
const ignore = () => undefined;
const deadline = Date.now() + 60_000;
const stamp = { deadline, request_id: "request-1" };
const names = ["one", null, "three"];
const UUID = "0b9bb0a4-6d3b-4a5a-8f4e-1a2b3c4d5e6f";
const TOKEN = olderSubscriptionToken(7, UUID);
const TERMS = firstTerms({}, { createdAt: 1_700_000_000, nextResetAt: null });
let prefix: string;
let closing: (() => Promise<unknown>)[];

beforeEach(() => {
  prefix = ownPrefix();
  closing = [];
});
afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
});

/** The answer of either version's worker for a key of this name. */
function madeOf(keyName: string | null) {
  return { keyId: 7, uuid: UUID, name: keyName, createdAt: 1_700_000_000, token: TOKEN, terms: TERMS };
}
function madeBy1_0(keyName: string | null) {
  return { outcome: "created", key: { key_id: 7, uuid: UUID, name: keyName, created_at: 1_700_000_000 } } as const;
}

describe("an API of 1.0 beside a worker of today", () => {
  let oldApi: Queue;
  let events: QueueEvents;

  beforeEach(async () => {
    oldApi = new Queue(QUEUE, { connection, prefix });
    events = new QueueEvents(QUEUE, { connection, prefix });
    // A worker's record of a key has more than its attributes.
    const made = (name: string | null) => ({ ...madeOf(name), flow: "xtls-rprx-vision", phase: "active" });
    const consumer = consumeJobs({
      queue: QUEUE,
      redisUrl,
      prefix,
      concurrency: 8,
      handlers: keyHandlers({
        "create-key": async ({ key }) => ({ outcome: "created", key: made(key.name) }),
        "create-keys": async ({ keys }) => ({
          outcome: "done",
          items: keys.map(({ name }) => ({ outcome: "created", key: made(name) })),
        }),
      }),
      onStep: ignore,
      onError: ignore,
    });
    closing.push(
      () => oldApi.close(),
      () => events.close(),
      () => consumer.close(),
    );
    await events.waitUntilReady();
  });

  async function run(name: "create-key" | "create-keys", payload: object): Promise<unknown> {
    const job = await oldApi.add(name, payload, { jobId: `${name}-${randomUUID()}` });
    return job.waitUntilFinished(events, 10_000);
  }

  test.each(names)("has the key %s made", async (name) => {
    const { payload, result } = jobsOf1_0["create-key"];
    const answer = await run("create-key", payload.parse({ name, ...stamp }));
    // Fields newer than 1.0 come along, and are dropped there.
    expect(answer).toMatchObject(madeBy1_0(name));
    expect(result.parse(answer)).toEqual(madeBy1_0(name));
  });

  test("has many keys made, in their order", async () => {
    const { payload, result } = jobsOf1_0["create-keys"];
    const answer = await run("create-keys", payload.parse({ names, ...stamp }));
    expect(answer).toMatchObject({ outcome: "done", items: names.map(madeBy1_0) });
    expect(result.parse(answer)).toEqual({ outcome: "done", items: names.map(madeBy1_0) });
  });

  test("has keys made that travel together", async () => {
    const { payload } = jobsOf1_0["create-key"];
    const bundle = names.map((name, index) => ({
      id: `create-${index}`,
      requested_at: Date.now(),
      payload: payload.parse({ name, ...stamp }),
    }));
    // Fields newer than 1.0 come along here as well.
    expect(await run("create-key", { bundle })).toMatchObject({
      bundle: names.map((name, index) => ({ id: `create-${index}`, result: madeBy1_0(name) })),
    });
  });

  test("is refused when its job says nothing of the key", async () => {
    await expect(run("create-key", stamp)).rejects.toThrow("payload of create-key does not fit");
    await expect(run("create-keys", stamp)).rejects.toThrow("payload of create-keys does not fit");
  });

  test("drops the fields of a result that only a later worker knows", () => {
    const later = { ...madeBy1_0("one"), key: { ...madeBy1_0("one").key, expires_at: 1_800_000_000 }, took: 1 };
    expect(jobsOf1_0["create-key"].result.parse(later)).toEqual(madeBy1_0("one"));
  });
});

describe("an API of today beside a worker of 1.0", () => {
  let client: JobClient;

  beforeEach(async () => {
    client = createJobClient({ redisUrl, prefix, onError: ignore });
    closing.push(() => client.close());
    await vi.waitFor(() => expect(client.connected).toBe(true));
  });

  function oldWorker(work: (job: Job) => unknown): void {
    const worker = new Worker(QUEUE, async (job) => work(job), { connection, prefix });
    worker.on("error", ignore);
    closing.push(() => worker.close());
  }

  /** Handles a job as a worker of 1.0 does: its handlers never see fields that its schemas do not know. */
  function workOf1_0({ name, data }: Pick<Job, "name" | "data">): unknown {
    if (name === "create-keys") {
      const payload = jobsOf1_0[name].payload.safeParse(data);
      if (!payload.success) throw new UnrecoverableError(`payload of ${name} does not fit`);
      return { outcome: "done", items: payload.data.names.map(madeBy1_0) };
    }
    const payload = jobsOf1_0["create-key"].payload.safeParse(data);
    if (!payload.success) throw new UnrecoverableError(`payload of ${name} does not fit`);
    return madeBy1_0(payload.data.name);
  }

  const created = (name: string | null): JobResult<"create-key"> => ({ outcome: "created", key: madeOf(name) });

  test.each(names)("has the key %s made", async (name) => {
    oldWorker(workOf1_0);
    await client.submit(
      "create-key",
      "create-1",
      { key: { name, owner: null, terms: {} }, ...stamp },
      { isFresh: true },
    );
    const end = await client.awaitResult("create-key", "create-1", 30_000);
    expect(end).toEqual({ state: "finished", result: created(name) });
  });

  test("has many keys made, in their order", async () => {
    oldWorker(workOf1_0);
    await client.submit("create-keys", "create-batch-1", {
      keys: names.map((name) => ({ name, owner: null, terms: {} })),
      ...stamp,
    });
    const end = await client.awaitResult("create-keys", "create-batch-1", 30_000);
    expect(end).toEqual({ state: "finished", result: { outcome: "done", items: names.map(created) } });
  });

  async function createTogether() {
    const ids = names.map((_, index) => `create-${index}`);
    await Promise.all(
      ids.map((id, index) =>
        client.submit(
          "create-key",
          id,
          { key: { name: names[index] ?? null, owner: null, terms: {} }, ...stamp },
          { isFresh: true },
        ),
      ),
    );
    return Promise.all(ids.map((id) => client.awaitResult("create-key", id, 30_000)));
  }

  test("gives each of those that travel together a payload that is complete for 1.0", async () => {
    oldWorker(({ name, data }) => ({
      bundle: jobsOfMicroBatch(data)?.map(({ id, payload }) => ({ id, result: workOf1_0({ name, data: payload }) })),
    }));
    expect(await createTogether()).toEqual(names.map((name) => ({ state: "finished", result: created(name) })));
  });

  test("learns at once that a worker of 1.0 knows nothing of jobs that travel together", async () => {
    oldWorker(workOf1_0);
    const reason = "payload of create-key does not fit";
    expect(await createTogether()).toEqual(names.map(() => ({ state: "failed", reason })));
  });
});
