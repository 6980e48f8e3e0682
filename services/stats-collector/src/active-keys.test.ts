import { expect, it } from "vitest";
import { StoredActiveKeys } from "./active-keys.ts";

const active = new Set([1, 4]);
const reader = {
  activeAmong: async (keyIds: readonly number[]) => new Set(keyIds.filter((keyId) => active.has(keyId))),
  countActive: async () => active.size,
};

it("finds those of the keys that are active", async () => {
  expect(await new StoredActiveKeys(reader).among([1, 2, 3, 5])).toEqual(new Set([1]));
});

it("counts them", async () => {
  expect(await new StoredActiveKeys(reader).count()).toBe(2);
});
