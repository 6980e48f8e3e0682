import type { ChangePosition, DesiredUser, NotedChanges } from "@veil/keys";
import { beforeEach, expect, test } from "vitest";
import { SharedDesired } from "./shared-desired.ts";

const READ_ALL_EVERY_MS = 600_000;

let now: number;
let reads: string[];
let stored: Map<number, DesiredUser>;
let changed: readonly number[] | null;
let askedSince: ChangePosition[];
let isAway: boolean;
let shared: SharedDesired;

const user = (keyId: number, uuid = "first", groups = ["default"]): DesiredUser => {
  return { keyId, uuid, flow: "", indeterminate: [], groups };
};

beforeEach(() => {
  now = 1_000_000;
  reads = [];
  stored = new Map([1, 2].map((keyId) => [keyId, user(keyId)]));
  changed = [];
  askedSince = [];
  isAway = false;
  const position = async (): Promise<ChangePosition> => {
    if (isAway) throw new Error("away");
    return { at: now, series: "a" };
  };
  shared = new SharedDesired({
    state: {
      findDesired: async () => new Map(stored),
      findDesiredAmong: async (keyIds) => new Map([...stored].filter(([keyId]) => keyIds.includes(keyId))),
      findCreating: async () => [],
      hasDesired: async () => false,
    },
    changes: {
      position,
      since: async (from): Promise<NotedChanges> => {
        askedSince.push(from);
        return { position: await position(), keyIds: changed };
      },
    },
    clock: { monotonic: () => now },
    readAllEveryMs: READ_ALL_EVERY_MS,
    onRead: (kind) => reads.push(kind),
  });
});

async function seen(): Promise<unknown> {
  return [...(await shared.recentDesired(now))].toSorted(([one], [other]) => one - other);
}

test("passes that come together share one read", async () => {
  const after = now - 30_000;
  await Promise.all([shared.recentDesired(after), shared.recentDesired(after)]);
  now += 9_000;
  await shared.recentDesired(after);
  expect([reads, askedSince]).toEqual([["all"], []]);
});

test("what is ten seconds old is brought up to date, from where it was", async () => {
  await shared.findDesired();
  now += 10_000;
  await shared.recentDesired(0);
  now += 10_000;
  await shared.recentDesired(0);
  expect(reads).toEqual(["all"]);
  expect(askedSince.map(({ at }) => at)).toEqual([1_000_000, 1_010_000]);
});

test("a read from before the moment that was named is not recent, however young it is", async () => {
  await shared.findDesired();
  now += 100;
  const passedAt = now;
  now += 5_000;
  await shared.recentDesired(passedAt);
  expect(askedSince).toHaveLength(1);
  now += 1_000;
  await shared.recentDesired(passedAt);
  expect(askedSince).toHaveLength(1);
});

test("keys that were written are read by themselves: new ones, changed ones and those that went", async () => {
  await shared.findDesired();
  stored = new Map([user(2, "second"), user(3)].map((each) => [each.keyId, each]));
  changed = [1, 2, 3];
  expect(await seen()).toEqual([...stored]);
  expect(reads).toEqual(["all", "changed"]);
});

test("keys that are named are read again, once", async () => {
  await shared.findDesired();
  stored.set(3, user(3));
  shared.reread([3]);
  expect(await seen()).toEqual([...stored]);
  now += 20_000;
  await seen();
  expect(reads).toEqual(["all", "changed"]);
});

test("all keys are read when changes may be missing, and when they are not to be had", async () => {
  await shared.findDesired();
  changed = null;
  await seen();
  now += 20_000;
  changed = [];
  isAway = true;
  await seen();
  now += 20_000;
  // Nobody knows since when changes would be missing.
  isAway = false;
  await seen();
  now += 20_000;
  await seen();
  expect(reads).toEqual(["all", "all", "all", "all"]);
});

test("all keys are read now and then, whatever was noted", async () => {
  await shared.findDesired();
  stored.set(3, user(3));
  now += READ_ALL_EVERY_MS - 1;
  expect(await seen()).toHaveLength(2);
  now += 1;
  expect(await seen()).toHaveLength(3);
  expect(reads).toEqual(["all", "all"]);
});
