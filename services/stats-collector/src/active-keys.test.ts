import { type KeyFilter, SEES_ALL, sees, type Viewer } from "@veil/keys";
import { ManualClock } from "@veil/runtime";
import { expect, it } from "vitest";
import { StoredActiveKeys } from "./active-keys.ts";

const owners = new Map<number, string | null>([
  [1, null],
  [4, "shop"],
]);
const reader = {
  activeAmong: async (keyIds: readonly number[], viewer: Viewer) =>
    new Set(keyIds.filter((keyId) => sees(viewer, { owner: owners.get(keyId) ?? null }) && owners.has(keyId))),
  keptAmong: async (keyIds: readonly number[]) => new Set(keyIds.filter((keyId) => keyId < 3)),
  countActive: async (filter?: KeyFilter) =>
    [...owners.values()].filter((owner) => filter === undefined || filter.owner === owner).length,
};
const keys = new StoredActiveKeys(reader, new ManualClock(0));
const shop = { owner: "shop" };

it("finds those of the keys that are active", async () => {
  expect(await keys.among([1, 2, 3, 5], SEES_ALL)).toEqual(new Set([1]));
  expect(await keys.among([1, 4], shop)).toEqual(new Set([4]));
});

it("finds those that are not deleted", async () => {
  expect(await keys.kept([1, 2, 3])).toEqual(new Set([1, 2]));
});

it("counts them", async () => {
  expect([await keys.count(SEES_ALL), await keys.count(shop), await keys.count({ owner: "other" })]).toEqual([2, 1, 0]);
});
