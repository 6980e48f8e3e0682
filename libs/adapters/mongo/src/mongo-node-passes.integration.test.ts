import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";

const NOW = 1_800_000_000_002;
const pass = (at: number, users: number) => ({ at, users, missing: 1, wrong: 2, orphans: 3 });

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

it("reads and notes the other nodes beside an entry that makes no sense, and keeps nothing of a month ago", async () => {
  const entries = { "nodes.odd": { at: "x" }, "nodes.lost": { users: 5 }, "nodes.old": pass(5, 9) };
  await store.connection
    .collection<{ readonly _id: string }>("nodes_seen")
    .updateOne({ _id: "passes" }, { $set: entries }, { upsert: true });
  await store.passes.note(
    new Map([
      ["main", pass(NOW + 1, 8)],
      ["odd", pass(NOW, 6)],
    ]),
    NOW + 1,
  );
  const noted = await other.passes.list();
  expect([noted.get("main")?.users, noted.get("odd")?.users]).toEqual([8, 6]);
  expect([noted.has("lost"), noted.has("old")]).toEqual([false, false]);
});
