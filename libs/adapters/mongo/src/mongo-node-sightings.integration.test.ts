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

it("forgets a node of which nothing was noted for a month", async () => {
  const now = 1_800_000_000_000;
  const [earlier, lately] = [now - 31 * 24 * 60 * 60_000, now - 29 * 24 * 60 * 60_000];
  const seen = (at: number) => ({ seenAt: at, failedAt: null });
  await store.sightings.note(new Map([["gone", seen(earlier)]]), earlier);
  await store.sightings.note(new Map([["away", { seenAt: earlier, failedAt: lately }]]), lately);
  await store.sightings.note(new Map([["here", seen(now)]]), now);
  expect([...(await store.sightings.list()).keys()].toSorted()).toEqual(["away", "here"]);
});
