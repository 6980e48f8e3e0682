import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";

let store: TestStore;
let other: TestStore;

beforeAll(async () => {
  store = await openTestStore();
  other = await openTestStore({ uri: store.uri });
});

afterAll(async () => {
  await store.connection.dropDatabase();
  await Promise.all([store.close(), other.close()]);
});

it("keeps the latest word of several workers, whichever comes last", async () => {
  expect(await store.sightings.list()).toEqual(new Map());
  await store.sightings.note(new Map([["main", { seenAt: 5, failedAt: null }]]));
  await other.sightings.note(
    new Map([
      ["main", { seenAt: 3, failedAt: 7 }],
      ["a-2", { seenAt: null, failedAt: 9 }],
    ]),
  );
  await store.sightings.note(new Map());
  expect(await store.sightings.list()).toEqual(
    new Map([
      ["main", { seenAt: 5, failedAt: 7 }],
      ["a-2", { seenAt: null, failedAt: 9 }],
    ]),
  );
});
