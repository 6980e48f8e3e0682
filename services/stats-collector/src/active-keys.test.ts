import type { KeyRecord } from "@veil/key-lifecycle";
import { expect, it } from "vitest";
import { StoredActiveKeys } from "./active-keys.ts";

function keyRecord(keyId: number, phase: KeyRecord["phase"]): KeyRecord {
  return {
    keyId,
    flow: "",
    uuid: "a3f0c7de-5b9a-4c1e-9a53-0d8a4f1c2b6e",
    name: null,
    createdAt: 0,
    job: `create-${keyId}`,
    phase,
    activated: true,
    cancelled: false,
    deleter: null,
    unsure: [],
  };
}

function reader(records: readonly KeyRecord[]) {
  const active = records.filter(({ phase }) => phase === "active");
  const asked = { one: 0, all: 0 };
  return {
    asked,
    find: async (keyId: number) => {
      asked.one += 1;
      return records.find((key) => key.keyId === keyId) ?? null;
    },
    async *listActiveIds() {
      asked.all += 1;
      yield active;
    },
    countActive: async () => active.length,
  };
}

const keys = [keyRecord(1, "active"), keyRecord(2, "deleting"), keyRecord(3, "gone"), keyRecord(4, "active")];

it("finds few keys one by one", async () => {
  const from = reader(keys);
  expect(await new StoredActiveKeys(from).among([1, 2, 3, 5])).toEqual(new Set([1]));
  expect(from.asked).toEqual({ one: 4, all: 0 });
});

it("finds many keys by reading all", async () => {
  const from = reader(keys);
  const wanted = Array.from({ length: 300 }, (_, index) => index + 2);
  expect(await new StoredActiveKeys(from).among(wanted)).toEqual(new Set([4]));
  expect(from.asked).toEqual({ one: 0, all: 1 });
});

it("counts them", async () => {
  expect(await new StoredActiveKeys(reader(keys)).count()).toBe(2);
});
