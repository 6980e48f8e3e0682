import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findRedis, type RunningRedis, startRedis } from "@veil/engines";
import { connectRedis, probeRedis, type Redis, refusalCodeOf } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { keyHandlers } from "../test/key-handlers.ts";
import { QueueUnavailableError } from "./errors.ts";
import { createJobClient, type JobClient } from "./job-client.ts";
import { consumeJobs } from "./job-consumer.ts";

/** A Redis of its own, since these tests make it refuse what it is asked. */
let server: RunningRedis;
let admin: Redis;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "veil-refusals-"));
  server = await startRedis({ binary: await findRedis({ progress: () => undefined }), dataDir });
  admin = connectRedis(server.url, "patient", () => undefined);
});

afterAll(async () => {
  admin.disconnect();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const ignore = () => undefined;
const payload = { key_id: 7, owner: null, deadline: 0, request_id: "r" };
const users = { none: 0 };

async function account(...rules: string[]): Promise<string> {
  users.none += 1;
  const name = `bot-${users.none}`;
  await admin.acl("SETUSER", name, "on", ">secret", "~*", "&*", "+@all", ...rules);
  return `redis://${name}:secret@127.0.0.1:${server.port}`;
}

async function client(redisUrl: string, prefix = ownPrefix()): Promise<JobClient> {
  const jobs = createJobClient({ redisUrl, prefix, onError: ignore });
  onTestFinished(() => jobs.close());
  await vi.waitFor(() => expect(jobs.connected).toBe(true));
  return jobs;
}

async function refusalOf(submitted: Promise<void>): Promise<[mayHaveHappened: boolean, why: string]> {
  const error = await submitted.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof QueueUnavailableError)) throw new Error(`not refused: ${String(error)}`);
  return [error.mayHaveHappened, error.cause instanceof Error ? error.cause.message : ""];
}

const refusing = [
  {
    what: "has no memory left",
    begin: () => admin.config("SET", "maxmemory", "1"),
    end: () => admin.config("SET", "maxmemory", "0"),
    why: /OOM/,
  },
  {
    what: "is a replica since a failover",
    begin: () => admin.replicaof("127.0.0.1", 9),
    end: () => admin.replicaof("NO", "ONE"),
    why: /READONLY/,
  },
  {
    what: "has too few replicas to write",
    begin: () => admin.config("SET", "min-replicas-to-write", "1"),
    end: () => admin.config("SET", "min-replicas-to-write", "0"),
    why: /NOREPLICAS/,
  },
];

test.each(refusing)(
  "a Redis that $what is known at once and refuses a job for certain",
  async ({ begin, end, why }) => {
    const jobs = await client(server.url);
    const asking = connectRedis(server.url, "fail-fast", ignore);
    onTestFinished(() => asking.disconnect());
    await vi.waitFor(() => expect(asking.status).toBe("ready"));
    await jobs.submit("delete-key", "before", payload);
    await probeRedis(asking, "probe-test");

    await begin();
    try {
      const [mayHaveHappened, text] = await refusalOf(jobs.submit("delete-key", "while", payload));
      expect(text).toMatch(why);
      expect(mayHaveHappened).toBe(false);
      await expect(probeRedis(asking, "probe-test")).rejects.toThrow(why);
    } finally {
      await end();
    }
    await vi.waitFor(() => jobs.submit("delete-key", "after", payload));
    await vi.waitFor(() => probeRedis(asking, "probe-test"));
    expect(await jobs.exists("delete-key", "while")).toBe(false);
    expect(await jobs.exists("delete-key", "after")).toBe(true);
  },
);

test("an account that may run no scripts is refused for certain, and the probe says so", async () => {
  const redisUrl = await account("-eval", "-evalsha");
  const jobs = await client(redisUrl);
  const asking = connectRedis(redisUrl, "fail-fast", ignore);
  onTestFinished(() => asking.disconnect());
  await vi.waitFor(() => expect(asking.status).toBe("ready"));
  const [mayHaveHappened, text] = await refusalOf(jobs.submit("delete-key", "job", payload));
  expect(text).toContain("NOPERM");
  expect(mayHaveHappened).toBe(false);
  const refused = await probeRedis(asking, "probe-test").catch((error: unknown) => error);
  expect(refusalCodeOf(refused)).toBe("NOPERM");
});

test("a cluster is known by the probe, whatever slots its nodes have", async () => {
  const dir = await mkdtemp(join(tmpdir(), "veil-cluster-"));
  const cluster = await startRedis({
    binary: await findRedis({ progress: ignore }),
    dataDir: dir,
    cluster: true,
  });
  const asking = connectRedis(cluster.url, "fail-fast", ignore);
  onTestFinished(async () => {
    asking.disconnect();
    await cluster.stop();
    await rm(dir, { recursive: true, force: true });
  });
  await vi.waitFor(() => expect(asking.status).toBe("ready"));
  await asking.cluster("ADDSLOTSRANGE", 0, 16_383);
  await expect(probeRedis(asking, "probe-test")).rejects.toThrow("CROSSSLOT");
});

test("an account without the dangerous commands, INFO among them, can do all that the services do", async () => {
  const redisUrl = await account("-@dangerous");
  const prefix = ownPrefix();
  const warn = vi.spyOn(console, "warn");
  const onError = vi.fn<(error: Error) => void>();
  const consumer = consumeJobs({
    queue: "veil-keys",
    redisUrl,
    prefix,
    concurrency: 8,
    handlers: keyHandlers({ "delete-key": () => Promise.resolve({ outcome: "deleted" }) }),
    onStep: ignore,
    onError,
  });
  onTestFinished(() => consumer.close());
  const jobs = await client(redisUrl, prefix);
  await jobs.submit("delete-key", "job", payload);
  expect(await jobs.awaitResult("delete-key", "job", 30_000)).toEqual({
    state: "finished",
    result: { outcome: "deleted" },
  });
  expect(onError.mock.calls).toEqual([]);
  expect(warn.mock.calls).toEqual([]);
  warn.mockRestore();
});

test.each(["-evalsha -eval", "-bzpopmin", "-xread"])(
  "no loop spins over what the account may not do: %s",
  async (rules) => {
    const redisUrl = await account(...rules.split(" "));
    const prefix = ownPrefix();
    const onError = vi.fn<(error: Error) => void>();
    const other = await client(server.url, prefix);
    await Promise.all(["a", "b", "c"].map((job) => other.submit("delete-key", job, payload)));
    const consumer = consumeJobs({
      queue: "veil-keys",
      redisUrl,
      prefix,
      concurrency: 64,
      handlers: keyHandlers({ "delete-key": () => Promise.resolve({ outcome: "deleted" }) }),
      onStep: ignore,
      onError,
    });
    const jobs = createJobClient({ redisUrl, prefix, onError });
    await sleep(3_000);
    await consumer.close();
    await jobs.close();
    expect(onError.mock.calls.length).toBeLessThan(20);
  },
);
