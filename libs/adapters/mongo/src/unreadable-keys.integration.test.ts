import { randomUUID } from "node:crypto";
import { SYSTEM } from "@veil/events";
import { UnreadableRecordError } from "@veil/keys";
import { activeKey, goneKey, keyWith, versionOf } from "@veil/keys/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";
import type { UnreadableRecord } from "./read-documents.ts";

const said: UnreadableRecord[] = [];
let store: TestStore;

beforeAll(async () => {
  store = await openTestStore({ onUnreadable: (record) => said.push(record) });
  await store.housekeeping.prepare();
});

afterEach(() => {
  said.length = 0;
});

afterAll(async () => {
  await store.connection.dropDatabase();
  await store.close();
});

type Fields = Readonly<Record<string, unknown>>;

const damages: readonly Fields[] = [
  { phase: "active" },
  { phase: 7 },
  { phase: null },
  { phase: [1] },
  { key_id: "one" },
  { job: 5 },
  { uuid: 7, owner: {} },
];
/** Counted up by each change, and read by nobody. */
const TAKES_NO_CHANGE: Fields = { changes: "many" };

async function damage(keyId: number, fields: Fields): Promise<number> {
  await store.connection.collection<{ _id: string }>("keys").updateOne({ _id: String(keyId) }, { $set: fields });
  return keyId;
}

test("a key whose document is damaged, whichever field it is, is not one that was deleted", async () => {
  const [active, gone] = [await activeKey(store.keys), await goneKey(store.keys)];
  const kept = [active.keyId];
  for (const fields of damages) kept.push(await damage((await activeKey(store.keys)).keyId, fields));
  expect(await store.keyReader.keptAmong([...kept, gone.keyId])).toEqual(new Set(kept));
  const listed: number[] = [];
  for await (const keyIds of store.keyReader.listKeptIds()) listed.push(...keyIds);
  expect(listed.toSorted((a, b) => a - b)).toEqual(kept);
});

async function idsOf(groups: AsyncIterable<readonly { readonly keyId: number }[]>): Promise<number[]> {
  const ids: number[] = [];
  for await (const group of groups) ids.push(...group.map(({ keyId }) => keyId));
  return ids;
}

test.each([
  ["all keys", () => Promise.resolve(), undefined],
  // Found by their ids on an engine that would read all keys for a filter.
  ["few of very many ids", () => store.housekeeping.skipKeyIds(100_000), undefined],
  ["those that fit", () => Promise.resolve(), randomUUID()],
])("of %s a page is full although keys can't be read, however many stand side by side", async (_, begin, owner) => {
  await begin();
  const add = () => activeKey(store.keys, owner === undefined ? {} : { owner });
  const keyIds: number[] = [];
  for (let count = 0; count < 12; count += 1) keyIds.push((await add()).keyId);
  const unreadable = [keyIds[0], keyIds[1], ...keyIds.slice(3, 10)].filter((keyId) => keyId !== undefined);
  for (const keyId of unreadable) await damage(keyId, { job: 5, terms: {} });
  await damage(keyIds[4] ?? 0, { key_id: "one" });
  const left = [keyIds[2], keyIds[10], keyIds[11]];
  const filter = owner === undefined ? {} : { filter: { at: Date.now(), owner } };
  for (const limit of [1, 2, 3, 4, 20]) {
    const walked: number[] = [];
    while (true) {
      const page = { ...filter, limit, after: walked.at(-1) ?? (keyIds[0] ?? 0) - 1 };
      const ids = await idsOf(store.keyReader.listActive(page));
      expect(await idsOf(store.keyReader.listActiveIds(page))).toEqual(ids);
      walked.push(...ids);
      if (ids.length < limit) break;
    }
    expect([limit, walked]).toEqual([limit, left]);
  }
});

test("of many keys that are changed at once one that takes no change fails alone, and is said", async () => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => activeKey(store.keys)));
  const damaged = await damage(keys[2]?.keyId ?? 0, TAKES_NO_CHANGE);
  const versions = new Map(keys.map((key) => [key.keyId, versionOf(key, { tag: "changed" })]));
  expect(await store.keys.changeMany(versions)).toEqual(new Set([damaged]));
  const tags = await Promise.all(keys.map(async ({ keyId }) => (await store.keys.find(keyId))?.terms.tag));
  expect(tags).toEqual(["changed", "changed", null, "changed", "changed"]);
  expect(said.map(({ collection, id }) => `${collection} ${id}`)).toEqual([`keys ${damaged}`]);
  await expect(store.keys.takeUp(damaged, { hand: "a", inPlaceOf: null, indeterminate: [] })).rejects.toThrow(
    UnreadableRecordError,
  );
  expect(said.map(({ collection, id }) => `${collection} ${id}`)).toEqual([`keys ${damaged}`, `keys ${damaged}`]);
});

test("an event of a key that takes no mark keeps no other one from being marked, and is logged once", async () => {
  const outbox = [{ at: 1, actor: SYSTEM, was: { terms: {} }, events: [{ id: "one", type: "key.updated" as const }] }];
  const keys = [await activeKey(store.keys), await activeKey(store.keys)];
  for (const key of keys) await store.keys.change(key.keyId, versionOf(key, {}, { outbox }));
  const keyIds = keys.map(({ keyId }) => keyId);
  await damage(keyIds[0] ?? 0, TAKES_NO_CHANGE);
  await store.keyOutbox.mark(new Map(keyIds.map((keyId) => [keyId, ["one"]])));
  const histories = await store.keyOutbox.histories(keyIds);
  expect(histories.map(({ relayed }) => [...relayed])).toEqual([["one"], ["one"]]);
  expect(said.map(({ id }) => id)).toEqual([String(keyIds[0])]);
});

test("a key of which the events make no sense keeps nobody from those of others", async () => {
  const outbox = [{ at: 1, actor: SYSTEM, was: { terms: {} }, events: [{ id: "one", type: "key.updated" as const }] }];
  const [damaged, other] = [await keyWith(store.keys, { tag: "a" }), await activeKey(store.keys)];
  await damage(damaged.keyId, { "terms.outbox": [{ events: "none" }] });
  await store.keys.change(other.keyId, versionOf(other, {}, { outbox }));
  const found: number[] = [];
  for await (const keyIds of store.keyOutbox.unrelayed()) found.push(...keyIds);
  expect(found).toContain(other.keyId);
  expect(said.map(({ id }) => id)).toContain(String(damaged.keyId));
});

test("a hand whose record makes no sense holds the keys that it names, and no others", async () => {
  const [one, other] = [await activeKey(store.keys), await activeKey(store.keys)];
  const hands = store.connection.collection<{ _id: string; key_ids: unknown; entered_at?: unknown }>("hands");
  await hands.insertMany([
    { _id: "no-date", key_ids: [one.keyId] },
    { _id: "odd-key", key_ids: ["x", one.keyId], entered_at: 5 },
    { _id: "no-keys", key_ids: "all", entered_at: 5 },
  ]);
  const entry = (hand: string) => ({ hand, inPlaceOf: null, indeterminate: [] });
  const taken = await store.keys.takeUp(one.keyId, entry("mine"));
  expect(taken?.hands.toSorted()).toEqual(["mine", "no-date", "odd-key"]);
  expect((await store.keys.takeUp(other.keyId, entry("mine")))?.hands).toEqual(["mine"]);
  expect([...new Set(said.map(({ collection, id }) => `${collection} ${id}`))].toSorted()).toEqual([
    "hands no-date",
    "hands no-keys",
    "hands odd-key",
  ]);
  await store.keys.letGo(one.keyId, taken?.hands ?? []);
  expect((await store.keys.takeUp(one.keyId, entry("next")))?.hands).toEqual(["next"]);
  await hands.deleteMany({});
});
