import { beforeEach, expect, test } from "vitest";
import { KnownKeys } from "./known-keys.ts";

let now: number;
let active: Set<number>;
/** Ids of keys that were written since; null when nobody knows. */
let changed: number[] | null;
let isAway: boolean;
let readsAll: boolean;
let reads: string[];
let known: KnownKeys;

beforeEach(() => {
  [now, active, changed, isAway, readsAll, reads] = [1_000_000, new Set([1, 2, 3]), [], false, true, []];
  const position = async () => {
    if (isAway) throw new Error("away");
    return { at: now, series: "a" };
  };
  known = new KnownKeys({
    keys: {
      countActive: async (filter) => {
        reads.push(filter === undefined ? "count" : "count some");
        return active.size;
      },
      listActiveIds: async function* listActiveIds() {
        reads.push("all");
        yield [...active].map((keyId) => ({ keyId, job: `create-${keyId}` }));
      },
      activeAmong: async (keyIds) => {
        reads.push(`${keyIds.length}`);
        return new Set(keyIds.filter((keyId) => active.has(keyId)));
      },
    },
    readsAllToCount: async () => readsAll,
    changes: {
      position,
      since: async (_, most) => ({
        position: await position(),
        keyIds: changed !== null && changed.length <= most ? changed : null,
      }),
    },
    clock: { monotonic: () => now },
  });
});

async function countedAfter(ms: number, filter?: { readonly at: number }) {
  now += ms;
  reads = [];
  return [await known.countActive(filter), ...reads];
}

test("keys are read once, and after that those that were written since", async () => {
  expect(await countedAfter(0)).toEqual([3, "all"]);
  expect(await countedAfter(10_000)).toEqual([3]);
  active.add(9).delete(1);
  changed = [9, 1, 2, 77];
  expect(await countedAfter(10_000)).toEqual([3, "4"]);
  active.delete(9);
  changed = [9];
  expect(await countedAfter(10_000)).toEqual([2, "1"]);
});

test("all are read again when many were written, nobody knows which, or after ten minutes", async () => {
  await countedAfter(0);
  active.add(4);
  changed = Array.from({ length: 301 }, (_, index) => index);
  expect(await countedAfter(1_000)).toEqual([4, "all"]);
  active.add(5);
  changed = null;
  expect(await countedAfter(1_000)).toEqual([5, "all"]);
  changed = [];
  active.add(6);
  expect(await countedAfter(599_999)).toEqual([5]);
  expect(await countedAfter(1)).toEqual([6, "all"]);
});

test("the store counts while Redis is away, counts some of them, and all where it reads none for it", async () => {
  await countedAfter(0);
  isAway = true;
  active.add(4);
  expect(await countedAfter(1_000)).toEqual([4, "count"]);
  isAway = false;
  expect(await countedAfter(1_000)).toEqual([4, "all"]);
  expect(await countedAfter(1_000, { at: 1 })).toEqual([4, "count some"]);
  readsAll = false;
  expect(await countedAfter(1_000)).toEqual([4, "count"]);
});

test("those who ask at once share one look at all keys, and one more at what was written since they asked", async () => {
  const counts = await Promise.all([known.countActive(), known.countActive(), known.countActive()]);
  expect(counts).toEqual([3, 3, 3]);
  expect(reads).toEqual(["all"]);
});
