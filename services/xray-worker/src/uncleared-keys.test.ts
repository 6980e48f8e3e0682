import type { ChangeReader, GroupedNode, HandledKey } from "@veil/keys";
import { beforeEach, expect, test } from "vitest";
import { UnclearedKeys } from "./uncleared-keys.ts";

const LOOK_AT_ALL_EVERY_MS = 600_000;

let now: number;
let stored: Set<number>;
let changed: number[] | null;
let looks: string[];
let uncleared: UnclearedKeys;

beforeEach(() => {
  now = 1_000_000;
  stored = new Set();
  changed = [];
  looks = [];
  const changes: ChangeReader = {
    position: async () => ({ at: now, series: "a" }),
    since: async () => ({ position: { at: now, series: "a" }, keyIds: changed }),
  };
  uncleared = new UnclearedKeys({
    store: {
      findUncleared: async (_, _now, among) => {
        looks.push(among === undefined ? "all" : among.join(" "));
        const present = [...stored].filter((keyId) => among === undefined || among.includes(keyId));
        return present.map((keyId) => ({ keyId }) as HandledKey);
      },
    },
    changes,
    clock: { monotonic: () => now },
    lookAtAllEveryMs: LOOK_AT_ALL_EVERY_MS,
  });
});

const nodeOf = (name: string, groups = ["default"]): GroupedNode => ({ name, groups });

async function found(...nodes: readonly GroupedNode[]): Promise<number[]> {
  return (await uncleared.findUncleared(nodes.length === 0 ? [nodeOf("a")] : nodes, now)).map(({ keyId }) => keyId);
}

test("looks at all keys once, and then at none while nothing is written", async () => {
  await found();
  await found();
  expect(looks).toEqual(["all"]);
});

test("looks at what was written, and at what is open until it is cleared", async () => {
  await found();
  stored.add(7);
  changed = [7, 8];
  expect(await found()).toEqual([7]);
  changed = [];
  expect(await found()).toEqual([7]);
  stored.clear();
  expect([await found(), await found()]).toEqual([[], []]);
  expect(looks).toEqual(["all", "7 8", "7", "7"]);
});

test("looks at all keys when changes may be missing, for a node that is new or in other groups, and now and then", async () => {
  await found();
  changed = null;
  await found();
  changed = [];
  await found(nodeOf("a"), nodeOf("b"));
  await found(nodeOf("b"));
  expect(looks).toEqual(["all", "all", "all"]);
  await found(nodeOf("b", ["vip"]));
  now += LOOK_AT_ALL_EVERY_MS;
  await found(nodeOf("b", ["vip"]));
  expect(looks).toEqual(["all", "all", "all", "all", "all"]);
});
