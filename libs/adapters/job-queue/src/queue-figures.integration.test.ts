import { connectRedis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, expect, inject, it, vi } from "vitest";
import { JobAdder } from "./job-adder.ts";
import { createJobClient } from "./job-client.ts";
import { consumeJobs } from "./job-consumer.ts";
import type { JobStep } from "./job-steps.ts";
import { openQueues } from "./open-queues.ts";
import { readQueueFigures } from "./queue-figures.ts";

const redisUrl = inject("redisUrl");
const prefix = ownPrefix();
const onError = () => undefined;
const redis = connectRedis(redisUrl, "fail-fast", onError);
const queues = openQueues(redis, onError, prefix);
const jobs = createJobClient({ redisUrl, prefix, onError });

afterAll(async () => {
  await queues.close();
  await jobs.close();
  redis.disconnect();
});

it("counts how many jobs wait since when, and what ended", async () => {
  await vi.waitUntil(() => redis.status === "ready" && jobs.connected);
  const requestedAt = Date.now() - 5_000;
  for (const [index, at] of [requestedAt, requestedAt + 1_000].entries()) {
    await jobs.submit("sync-traffic", `sync-${index}`, { owner: null, request_id: "r" }, { requestedAt: at });
  }
  const [keys, traffic] = await readQueueFigures(await queues.all());
  expect(keys).toMatchObject({ queue: "veil-keys", counts: { waiting: 0 }, oldestWaiting: null });
  expect(traffic).toMatchObject({ queue: "veil-traffic", counts: { waiting: 2 }, oldestWaiting: requestedAt });

  const steps: JobStep[] = [];
  const consumer = consumeJobs({
    queue: "veil-traffic",
    redisUrl,
    prefix,
    concurrency: 1,
    handlers: {
      "read-node": async () => ({ outcome: "read" }),
      "refresh-traffic": async () => ({ outcome: "stale" }),
      "reset-traffic": async () => ({ outcome: "not-found" }),
      "read-online": async () => ({ outcome: "stale" }),
      "count-online": async () => ({ outcome: "stale" }),
      "sync-traffic": async () => ({ outcome: "synced", updated: 0, errors: 0 }),
    },
    onStep: (step) => steps.push(step),
    onError,
  });
  await vi.waitUntil(() => steps.length === 2);
  await consumer.close();
  expect(steps[0]?.waitedMs).toBeGreaterThanOrEqual(5_000);
  const [, after] = await readQueueFigures(await queues.all());
  expect(after).toMatchObject({ counts: { waiting: 0, completed: 2 }, completed: 2, failed: 0, oldestWaiting: null });
});

it("dates the jobs of a process by the clock that it is given, as requests are", async () => {
  const now = Date.now() - 3_600_000;
  const adder = new JobAdder(redis, { prefix, clock: { now: () => now }, onError });
  await vi.waitUntil(() => redis.status === "ready");
  await adder.add("read-node", "read-1", { name: "main", deadline: now, request_id: "r" });
  const [, traffic] = await readQueueFigures(await queues.all());
  expect(traffic?.oldestWaiting).toBe(now);
  adder.close();
});
