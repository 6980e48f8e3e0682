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
  await store.sightings.note(new Map([["main", { seenAt: 5, failedAt: null }]]), 10);
  await other.sightings.note(
    new Map([
      ["main", { seenAt: 3, failedAt: 7 }],
      ["a-2", { seenAt: null, failedAt: 9 }],
    ]),
    10,
  );
  await store.sightings.note(new Map(), 10);
  expect(await store.sightings.list()).toEqual(
    new Map([
      ["main", { seenAt: 5, failedAt: 7 }],
      ["a-2", { seenAt: null, failedAt: 9 }],
    ]),
  );
});

it("lets nothing that is dated in the future stand, as a clock that was set back since leaves it", async () => {
  const [hourAhead, now] = [1_003_600_000, 1_000_000_000];
  const ahead = { seenAt: hourAhead, failedAt: hourAhead };
  await store.sightings.note(
    new Map([
      ["down", ahead],
      ["up", ahead],
    ]),
    hourAhead,
  );
  await other.sightings.note(
    new Map([
      ["down", { seenAt: null, failedAt: now + 1_000 }],
      ["up", { seenAt: now + 1_000, failedAt: null }],
    ]),
    now,
  );
  const noted = await store.sightings.list();
  expect(noted.get("down")).toEqual({ seenAt: now, failedAt: now + 1_000 });
  expect(noted.get("up")).toEqual({ seenAt: now + 1_000, failedAt: now });
});

const documents = () => store.connection.collection<{ readonly _id: string }>("nodes_seen");

it("reads and notes the other nodes beside an entry that makes no sense, which the next word about its node replaces", async () => {
  await documents().updateOne(
    { _id: "nodes" },
    { $set: { "nodes.odd": "of a newer version", "nodes.lost": { seen_at: "x" } } },
  );
  const now = 2_000_000_000;
  const seen = { seenAt: now, failedAt: null };
  await store.sightings.note(
    new Map([
      ["main", seen],
      ["odd", seen],
    ]),
    now,
  );
  const noted = await other.sightings.list();
  expect([noted.get("main")?.seenAt, noted.get("odd"), noted.has("lost")]).toEqual([now, seen, false]);
});

it("keeps nothing of nodes that nobody saw for a month", async () => {
  const [then, now] = [3_000_000_000, 3_000_000_000 + 31 * 86_400_000];
  await store.sightings.note(new Map([["old", { seenAt: then, failedAt: null }]]), then);
  await store.sightings.note(new Map([["new", { seenAt: null, failedAt: now }]]), now);
  expect([...(await other.sightings.list()).keys()]).toEqual(["new"]);
});
