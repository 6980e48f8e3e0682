import { randomUUID } from "node:crypto";
import type { KeyPage } from "@veil/keys";
import { activeKey } from "@veil/keys/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";
import { engineOf } from "./engine.ts";

const KEYS = 200;
let store: TestStore;

beforeAll(async () => {
  store = await openTestStore();
  for (let keys = 0; keys < KEYS; keys += 50) {
    await Promise.all(Array.from({ length: 50 }, () => activeKey(store.keys)));
  }
});

afterAll(async () => {
  await store.connection.dropDatabase();
  await store.close();
});

/** The ids of a page, which are the same whether the keys are read whole or not. */
async function idsOf(page: KeyPage): Promise<number[]> {
  const { keyReader } = store;
  const [keys, idsAlone] = await Promise.all([all(keyReader.listActive(page)), all(keyReader.listActiveIds(page))]);
  const ids = keys.map(({ keyId }) => keyId);
  expect(idsAlone.map(({ keyId }) => keyId)).toEqual(ids);
  return ids;
}

async function all<T>(groups: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const group of groups) items.push(...group);
  return items;
}

/** How often all keys are read for a page. */
async function scansFor(page: KeyPage): Promise<number> {
  const scans = vi.spyOn(store.connection.collection("keys"), "find");
  await all(store.keyReader.listActive(page));
  const { length } = scans.mock.calls;
  scans.mockRestore();
  return length;
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

test("a page of an engine that reads all keys for any filter is found by the ids that come next", async (context) => {
  const { findsManyByIndex } = await engineOf(store.connection);
  context.skip(findsManyByIndex, "this engine finds a page by its index");
  expect(await scansFor({ limit: 1 })).toBe(0);
  expect(await scansFor({ limit: 15, after: 100 })).toBe(0);
  expect(await scansFor({ limit: 15, after: KEYS - 10 })).toBe(0);
  expect(await scansFor({ limit: 150 })).toBe(1);
});

test("pages are the same with deleted keys between them, and beyond the last", async () => {
  const gone = [3, 4, 50, ...range(60, 99)];
  await Promise.all(gone.map((keyId) => store.keys.beginDeletion(keyId, `delete-${randomUUID()}`)));
  const left = range(1, KEYS).filter((keyId) => !gone.includes(keyId));
  expect(await idsOf({})).toEqual(left);
  for (const limit of [1, 7, 40, 150]) {
    const walked: number[] = [];
    while (true) {
      const page = await idsOf({ limit, after: walked.at(-1) ?? 0 });
      walked.push(...page);
      if (page.length < limit) break;
    }
    expect(walked).toEqual(left);
  }
  expect(await idsOf({ limit: 5, after: KEYS })).toEqual([]);
});

test("a page reaches over a gap as wide as an import leaves it", async () => {
  const far = 900_000_000_000;
  await store.housekeeping.skipKeyIds(far);
  const { keyId } = await activeKey(store.keys);
  expect(keyId).toBe(far + 1);
  expect(await idsOf({ limit: 3, after: KEYS - 2 })).toEqual([KEYS - 1, KEYS, keyId]);
  expect(await idsOf({ limit: 3, after: keyId })).toEqual([]);
});
