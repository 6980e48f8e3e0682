import { keyChange } from "@veil/job-contract";
import {
  batchItemJob,
  type KeyBatches,
  NodeRejectedError,
  StoreUnavailableError,
  UnreadableRecordError,
} from "@veil/keys";
import { InMemoryKeyBatches, inMemoryLifecycle, plant } from "@veil/keys/testing";
import { createLogger, ManualClock } from "@veil/runtime";
import { sharedClockAhead } from "@veil/test-support";
import { expect, it } from "vitest";
import { forgetBatches, workOffBatches } from "./batch-loop.ts";
import { beginUpdateKeys } from "./jobs/update-keys.ts";

const log = createLogger({ service: "test", version: "0", level: "silent" });
const KEYS = 1_200;
const EXPIRES_AT = 4_000_000_000;

function batchOf(keys = KEYS) {
  const lifecycle = inMemoryLifecycle();
  for (let keyId = 1; keyId <= keys; keyId += 1) {
    const key = plant(lifecycle.store, [], { keyId, phase: "active" });
    plant(lifecycle.store, [], { ...key, terms: { ...key.terms, expiresAt: EXPIRES_AT } });
  }
  const batches = new InMemoryKeyBatches();
  const updating = {
    batches,
    keys: {
      listActiveIds: async function* listActiveIds() {
        yield [...lifecycle.store.keys.values()];
      },
      findByExternalId: async () => null,
    },
    online: async () => [],
    clock: lifecycle.clock,
    onBegun: () => undefined,
  };
  const begin = (job: string) =>
    beginUpdateKeys(
      { keys: { filter: {} }, owner: null, change: { extendSeconds: 60 }, deadline: 0, request_id: "r" },
      job,
      updating,
    );
  /** While it waits for others at a key, time passes. */
  const work = async (store: KeyBatches = batches) => {
    let isOver = false;
    const run = workOffBatches({ ports: lifecycle.ports, batches: store, log }).finally(() => {
      isOver = true;
    });
    const ended = Promise.allSettled([run]);
    while (!isOver) await lifecycle.clock.advance(1_000);
    await ended;
    return run;
  };
  const ends = () => new Set([...lifecycle.store.keys.values()].map(({ terms }) => terms.expiresAt));
  return { ...lifecycle, batches, begin, work, ends };
}

async function* onlyKeys(...keyIds: number[]) {
  yield keyIds;
}

it("finds out the keys once, in parts", async () => {
  const { batches, begin, store } = batchOf();
  await begin("b");
  store.keys.delete(1);
  await begin("b");
  expect(await batches.find("b")).toMatchObject({ total: KEYS, parts: 3, next: 0 });
});

it("changes each key once, whenever the worker dies", async () => {
  const { batches, begin, work, ends, store } = batchOf();
  await begin("b");
  const { change } = store;
  let writes = 0;
  for (const diesAt of [10, 700, 900, Number.POSITIVE_INFINITY]) {
    store.change = async (...version) => {
      writes += 1;
      if (writes === diesAt) throw new StoreUnavailableError(new Error("killed"));
      return change.apply(store, version);
    };
    await work().catch(() => undefined);
  }
  expect(ends()).toEqual(new Set([EXPIRES_AT + 60]));
  expect(await batches.find("b")).toMatchObject({ done: KEYS, failed: 0, next: 3, errors: [] });
});

it("counts a part once that two workers did at the same time", async () => {
  const { batches, begin, work, ends } = batchOf();
  await begin("b");
  await Promise.all([work(), work()]);
  expect(ends()).toEqual(new Set([EXPIRES_AT + 60]));
  expect(await batches.find("b")).toMatchObject({ done: KEYS, failed: 0 });
});

it("names the keys that can't have the change, the first thousand of them", async () => {
  const { batches, begin, work, store } = batchOf();
  await begin("b");
  store.keys.clear();
  await work();
  const batch = await batches.find("b");
  expect(batch).toMatchObject({ done: 0, failed: KEYS });
  expect(batch?.errors).toHaveLength(1_000);
  expect(batch?.errors[0]).toEqual({ keyId: 1, detail: "Key with id 1 not found" });
});

it("forgets no outcome by one clock that has jumped ahead", async () => {
  const clock = sharedClockAhead(new ManualClock(EXPIRES_AT * 1_000), 365 * 86_400_000);
  const asked: number[] = [];
  const { batches } = batchOf(0);
  batches.drop = async (before) => void asked.push(before);
  await forgetBatches({ batches, clock });
  expect(asked).toEqual([EXPIRES_AT - 7 * 86_400]);
});

it("works at all batches in turn", async () => {
  const { batches, begin, work } = batchOf();
  await begin("long");
  await batches.begin(
    { job: "short", owner: null, change: JSON.stringify(keyChange.encode({ set: { tag: "x" } })) },
    onlyKeys(1),
  );
  const order: string[] = [];
  const advance = batches.advance.bind(batches);
  batches.advance = async (batch, end) => {
    order.push(batch.job);
    return advance(batch, end);
  };
  await work();
  expect(order).toEqual(["long", "short", "long", "long"]);
});

it("ends with a batch that says of no part that it is left, and not that it is done", async () => {
  const { batches, begin, work } = batchOf();
  await begin("damaged");
  await begin("b");
  const find = batches.find.bind(batches);
  let looks = 0;
  batches.find = async (job) => {
    looks += 1;
    if (looks > 100) throw new StoreUnavailableError(new Error("a loop without an end"));
    const batch = await find(job);
    return job === "damaged" && batch !== null ? { ...batch, next: batch.parts } : batch;
  };
  await expect(work()).rejects.toThrow("no part of batch damaged is left, and it is not done");
  expect(await find("b")).toMatchObject({ done: KEYS, next: 3 });
});

it("goes on with the others when a batch makes no sense", async () => {
  const { batches, begin, work } = batchOf();
  const newer = JSON.stringify({ set: "of a newer version" });
  await batches.begin({ job: "newer", owner: null, change: newer }, onlyKeys(1));
  await batches.begin({ job: "unreadable", owner: null, change: "{}" }, onlyKeys(1));
  await begin("b");
  const find = batches.find.bind(batches);
  batches.find = async (job) => {
    if (job === "unreadable") throw new UnreadableRecordError("of a newer version");
    return find(job);
  };
  await expect(work()).rejects.toThrow("expected object");
  expect(await find("b")).toMatchObject({ done: KEYS, failed: 0, next: 3 });
  expect(await find("newer")).toMatchObject({ next: 0 });
});

it("leaves out a key that can't be read, and no other", async () => {
  const { batches, begin, work, store } = batchOf(3);
  await begin("b");
  const find = store.find.bind(store);
  store.find = async (keyId) => {
    if (keyId === 2) throw new UnreadableRecordError("the document makes no sense");
    return find(keyId);
  };
  await work();
  expect(await batches.find("b")).toMatchObject({ done: 2, failed: 1, errors: [{ keyId: 2 }] });
  expect(store.keys.get(3)?.changedBy).toEqual([batchItemJob("b", 3)]);
});

it.each(["before", "after"])("tries a part again where Redis went away %s the change of a key", async (moment) => {
  const { batches, begin, work, ends, ports } = batchOf(3);
  await begin("b");
  const { hold } = ports.lease;
  let isAway = true;
  ports.lease.hold = async (keyId, task, urgency) => {
    if (!isAway || keyId === 1) return hold(keyId, task, urgency);
    if (moment === "after") await hold(keyId, task, urgency);
    throw new Error("Command timed out");
  };
  await expect(work()).rejects.toThrow("Command timed out");
  expect(await batches.find("b")).toMatchObject({ done: 0, failed: 0, next: 0 });
  isAway = false;
  await work();
  expect(await batches.find("b")).toMatchObject({ done: 3, failed: 0, next: 1, errors: [] });
  expect(ends()).toEqual(new Set([EXPIRES_AT + 60]));
});

it("changes the keys also when the clock is set ahead meanwhile", async () => {
  const { batches, begin, work, ends, store, clock } = batchOf(3);
  await begin("b");
  const find = store.find.bind(store);
  store.find = async (keyId) => {
    await clock.advance(60_000);
    return find(keyId);
  };
  await work();
  expect(await batches.find("b")).toMatchObject({ done: 3, failed: 0, errors: [] });
  expect(ends()).toEqual(new Set([EXPIRES_AT + 60]));
});

it("counts a key as done whose change stands though no node takes it", async () => {
  const { batches, work, nodes } = batchOf(1);
  for (const node of Object.values(nodes)) {
    node.onCall = () => {
      throw new NodeRejectedError(node.name, null);
    };
  }
  const change = JSON.stringify(keyChange.encode({ set: {}, revokeCredentials: true }));
  await batches.begin({ job: "b", owner: null, change }, onlyKeys(1));
  await work();
  expect(await batches.find("b")).toMatchObject({ done: 1, failed: 0, errors: [] });
});
