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

test("the keys of batches that are forgotten, or were never entered, are forgotten with them", async () => {
  const begin = (job: string, ...parts: number[][]) =>
    mongo.batches.begin({ job, owner: null, change: "{}" }, partsOf(...parts));
  await Promise.all([begin("done", [1], [2]), begin("done", [3], [4])]);
  await begin("under way", [5]);
  for (let part = 0; part < 2; part += 1) {
    const batch = await mongo.batches.find("done");
    if (batch !== null) await mongo.batches.advance(batch, { done: 1, errors: [] });
  }
  const parts = mongo.connection.collection("key_batch_parts");
  expect(await parts.countDocuments()).toBeGreaterThanOrEqual(3);
  await mongo.batches.drop(Math.floor(Date.now() / 1_000) + 60);
  expect((await parts.find().toArray()).map(({ key_ids: keyIds }) => keyIds)).toEqual([[5]]);
});
