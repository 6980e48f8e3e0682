import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";

const NOW = 1_800_000_000_002;

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

it("keeps the latest pass over each node, whichever worker notes it when, beside what was seen of nodes", async () => {
  const pass = (at: number, users: number) => ({ at, users, missing: 1, wrong: 2, orphans: 3 });
  expect(await store.passes.list()).toEqual(new Map());
  await store.passes.note(new Map([["main", pass(1_800_000_000_000, 7)]]), NOW);
  await other.passes.note(
    new Map([
      ["main", pass(1_700_000_000_000, 900)],
      ["a-2", pass(5, 0)],
    ]),
    NOW,
  );
  await other.sightings.note(new Map([["main", { seenAt: 5, failedAt: null }]]), NOW);
  await store.passes.note(new Map(), NOW);
  const noted = new Map([
    ["main", pass(1_800_000_000_000, 7)],
    ["a-2", pass(5, 0)],
  ]);
  expect(await store.passes.list()).toEqual(noted);
  await other.passes.note(new Map([["main", pass(1_800_000_000_001, 2)]]), NOW);
  expect((await store.passes.list()).get("main")?.users).toBe(2);
  // The clock was set back by an hour since.
  const earlier = NOW - 3_600_000;
  await other.passes.note(new Map([["main", pass(earlier, 4)]]), earlier);
  expect((await store.passes.list()).get("main")?.users).toBe(4);
});
