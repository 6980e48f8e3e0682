import { beforeEach, expect, test } from "vitest";
import { KeptCounts } from "./kept-counts.ts";

const none = { creating: 0, active: 0, deleting: 0 };

let now: number;
let active: number;
let changed: number[] | null;
let isAway: boolean;
let kept: KeptCounts;

beforeEach(() => {
  [now, active, changed, isAway] = [1_000_000, 0, [], false];
  const position = async () => {
    if (isAway) throw new Error("away");
    return { at: now, series: "a" };
  };
  kept = new KeptCounts({
    count: async () => ({ ...none, active: (active += 1) }),
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

async function countedAfter(ms: number): Promise<number> {
  now += ms;
  return (await kept.count()).active;
}

test("keys are counted again once some were written, or may have been", async () => {
  expect([await countedAfter(0), await countedAfter(10_000)]).toEqual([1, 1]);
  changed = [7];
  expect(await countedAfter(10_000)).toBe(2);
  changed = null;
  expect(await countedAfter(10_000)).toBe(3);
  changed = [];
  expect(await countedAfter(10_000)).toBe(3);
});

test("keys are counted again after ten minutes, and while nobody knows whether some were written", async () => {
  expect([await countedAfter(0), await countedAfter(599_999), await countedAfter(1)]).toEqual([1, 1, 2]);
  isAway = true;
  expect([await countedAfter(1_000), await countedAfter(1_000)]).toEqual([3, 4]);
  isAway = false;
  expect([await countedAfter(1_000), await countedAfter(1_000)]).toEqual([5, 5]);
});
