import { SYSTEM } from "@veil/events";
import type { KeyHistory, KeyTerms } from "@veil/keys";
import { inMemoryLifecycle, plant } from "@veil/keys/testing";
import { expect, test } from "vitest";
import { keyEvents } from "./key-events.ts";

/** A key that was changed once. @param was what its document says of the terms before */
function changedKey(keyId: number, was: Partial<KeyTerms>): KeyHistory {
  const { store } = inMemoryLifecycle();
  plant(store, [], { phase: "active", keyId });
  const history = store.historyOf(keyId) ?? expect.fail("there is no key");
  const events = [{ id: `${keyId}-2-1-1`, type: "key.updated" }] as const;
  return { ...history, steps: [{ at: 1_800_000_000, actor: SYSTEM, was: { terms: was }, events }] };
}

test("a key whose history makes no sense keeps no other one's events from the log", async () => {
  const damaged = changedKey(2, { groups: Object(7) });
  const failed: number[] = [];
  const outbox = keyEvents({
    outbox: {
      histories: async () => [changedKey(1, { note: "a" }), damaged, changedKey(3, { note: "b" })],
      mark: async () => undefined,
      unrelayed: async function* none() {},
    },
    devices: { unlogged: async () => new Map(), mark: async () => undefined, unrelayed: async function* none() {} },
    trafficOf: async () => new Map(),
    shortId: "",
    onUnreadable: (keyId) => void failed.push(keyId),
  });
  const events = await outbox.pending(["key:1", "key:2", "key:3"]);
  expect(events.map(({ keyId }) => keyId)).toEqual([1, 3]);
  expect(failed).toEqual([2]);
});

test("what a key has moved is read for changes of it, and not for the event that it was made", async () => {
  const made = changedKey(1, {});
  const events = [{ id: "1-1-0-1", type: "key.created" }] as const;
  const created: KeyHistory = { ...made, steps: [{ at: 1_800_000_000, actor: SYSTEM, was: { terms: {} }, events }] };
  const asked: (readonly number[])[] = [];
  const moved = { upload: 3, download: 4 };
  const outbox = keyEvents({
    outbox: {
      histories: async () => [created, changedKey(2, { note: "a" })],
      mark: async () => undefined,
      unrelayed: async function* none() {},
    },
    devices: { unlogged: async () => new Map(), mark: async () => undefined, unrelayed: async function* none() {} },
    trafficOf: async (keyIds) => {
      asked.push(keyIds);
      const traffic = { lifetime: moved, reset: { upload: 0, download: 0 }, firstCountedAt: null, lastCountedAt: null };
      return new Map(keyIds.map((keyId) => [keyId, traffic]));
    },
    shortId: "",
    onUnreadable: (keyId) => expect.fail(`key ${keyId} is unreadable`),
  });
  const [ofMade, ofChanged] = await outbox.pending(["key:1", "key:2"]);
  expect(asked).toEqual([[2]]);
  expect([ofMade?.data, ofChanged?.data]).toMatchObject([{ key: { traffic_used: 0 } }, { key: { traffic_used: 7 } }]);
});
