import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";

let mongo: TestStore;
beforeAll(async () => {
  mongo = await openTestStore();
});
afterAll(async () => {
  await mongo.connection.dropDatabase();
  await mongo.close();
});

async function* partsOf(...parts: number[][]) {
  yield* parts;
}

const begin = async (...parts: number[][]) => {
  const job = randomUUID();
  await mongo.batches.begin({ job, owner: null, change: "{}" }, partsOf(...parts));
  return job;
};
const found = async (job: string) => {
  const batch = await mongo.batches.find(job);
  if (batch === null) throw new Error("there is no batch");
  return batch;
};

test("a batch is entered once, and worked off part by part", async () => {
  const job = await begin([1, 2], [3]);
  await mongo.batches.begin({ job, owner: null, change: "other" }, partsOf([9]));
  const batch = await found(job);
  expect(batch).toEqual({
    job,
    owner: null,
    change: "{}",
    total: 3,
    parts: 2,
    next: 0,
    done: 0,
    failed: 0,
    errors: [],
  });
  expect(await mongo.batches.findUnfinished()).toContain(job);
  expect(await mongo.batches.nextPart(batch)).toEqual([1, 2]);
  const errors = [{ keyId: 2, detail: "not found" }];
  await mongo.batches.advance(batch, { done: 1, errors });
  await mongo.batches.advance(batch, { done: 1, errors });
  const second = await found(job);
  expect(second).toMatchObject({ next: 1, done: 1, failed: 1, errors });
  expect(await mongo.batches.nextPart(second)).toEqual([3]);
  await mongo.batches.advance(second, { done: 1, errors: [] });
  expect(await found(job)).toMatchObject({ next: 2, done: 2, failed: 1 });
  expect(await mongo.batches.findUnfinished()).not.toContain(job);
});

test("of two who enter a batch at once one finds out the keys", async () => {
  const job = randomUUID();
  await Promise.all([
    mongo.batches.begin({ job, owner: null, change: "{}" }, partsOf([1], [2])),
    mongo.batches.begin({ job, owner: null, change: "{}" }, partsOf([3], [4])),
  ]);
  const batch = await found(job);
  const first = await mongo.batches.nextPart(batch);
  const second = await mongo.batches.nextPart({ ...batch, next: 1 });
  expect([[...first, ...second]]).toEqual([first[0] === 1 ? [1, 2] : [3, 4]]);
});

test("a batch of no keys is done", async () => {
  const job = await begin();
  expect(await mongo.batches.findUnfinished()).not.toContain(job);
  expect(await found(job)).toMatchObject({ total: 0, parts: 0 });
});

test("what is done is forgotten, what is not stays", async () => {
  const [done, under] = [await begin([1]), await begin([1])];
  await mongo.batches.advance(await found(done), { done: 1, errors: [] });
  await mongo.batches.drop(Math.floor(Date.now() / 1_000) + 60);
  expect(await mongo.batches.find(done)).toBeNull();
  expect(await mongo.batches.nextPart(await found(under))).toEqual([1]);
  expect(await mongo.connection.collection("key_batch_parts").countDocuments()).toBe(3);
});
