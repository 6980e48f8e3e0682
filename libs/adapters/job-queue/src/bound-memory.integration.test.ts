import { firstTerms, olderSubscriptionToken } from "@veil/keys";
import { randomUUID } from "node:crypto";
import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { keyHandlers } from "../test/key-handlers.ts";
import { consumeJobs, trimEvents } from "./job-consumer.ts";
import { createJobClient, type JobClient } from "./job-client.ts";

const redisUrl = inject("redisUrl");
const ignore = () => undefined;
const QUEUE = "veil-keys";
const BATCHES = 5;
const KEYS = 1_000;
/** A UUID and a subscription token cannot be packed further: 40 random bytes of each key, 54 in base64; Redis rounds up. */
const PACKED_BYTES = 112 * 1_024;

let prefix: string;
let redis: Redis;
let client: JobClient;

beforeEach(async () => {
  prefix = ownPrefix();
  redis = connectRedis(redisUrl, "fail-fast", ignore);
  client = createJobClient({ redisUrl, prefix, onError: ignore });
  await vi.waitFor(() => expect([redis.status, client.connected]).toEqual(["ready", true]));
});
afterEach(async () => {
  redis.disconnect();
  await client.close();
});

function madeKey(keyId: number, name: string | null) {
  const [uuid, createdAt] = [randomUUID(), 1_700_000_000];
  const terms = firstTerms({}, { createdAt, nextResetAt: null });
  return { keyId, uuid, name, createdAt, token: olderSubscriptionToken(keyId, uuid), terms };
}

async function bytesOf(pattern: string): Promise<number> {
  const keys = await redis.keys(`${prefix}:${QUEUE}:${pattern}`);
  const sizes = await Promise.all(keys.map((key) => redis.memory("USAGE", key, "SAMPLES", 0)));
  return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
}

test("batches leave little in the queue, and less in its events once they are old", async () => {
  const consumer = consumeJobs({
    queue: QUEUE,
    redisUrl,
    prefix,
    concurrency: 8,
    handlers: keyHandlers({
      "create-keys": async ({ keys, takesPacked = false }) => ({
        outcome: "done",
        items: keys.map(({ name }, index) => ({
          outcome: "created",
          key: madeKey(index + 1, name),
        })),
        pack: takesPacked,
      }),
    }),
    onStep: ignore,
    onError: ignore,
  });
  const keys = Array.from({ length: KEYS }, (_, index) => ({ name: `user_${index}`, owner: null, terms: {} }));
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const id = `create-batch-${batch}`;
    await client.submit("create-keys", id, { keys, deadline: Date.now() + 60_000, request_id: "r" });
    const end = await client.awaitResult("create-keys", id, 30_000);
    expect(end).toMatchObject({ state: "finished", result: { outcome: "done" } });
    expect(
      end.state === "finished" && end.result.items.map((item) => item.outcome === "created" && item.key.name),
    ).toEqual(keys.map(({ name }) => name));
  }
  await vi.waitFor(async () => expect((await bytesOf("create-batch-*")) / BATCHES).toBeLessThan(PACKED_BYTES));
  expect((await bytesOf("events")) / BATCHES).toBeLessThan(PACKED_BYTES);

  const trimming = trimEvents(redis, { prefix, queue: QUEUE, keptMs: 0 }, ignore);
  await vi.waitFor(async () => expect(await bytesOf("events")).toBeLessThan(PACKED_BYTES));
  await trimming.stop();
  await consumer.close();
});
