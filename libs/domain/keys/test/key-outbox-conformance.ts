import { SYSTEM } from "@veil/events";
import { expect, it } from "vitest";
import { deletionEventId, firstSteps, type KeyOutbox, type KeyStep, type KeyStore } from "../src/index.ts";
import { versionOf } from "./changed-keys.ts";
import { activeKey, claimKey, decisionOf } from "./stored-keys.ts";

const STAMP = { actor: { name: 'касса "$1"', address: "2001:db8::7", requestId: "r-1" }, at: 1_703_520_000 };

/**
 * Registers what the relay relies on in a {@link KeyOutbox}.
 *
 * @param open the outbox under test, over the same keys as the store; other keys may be in it already
 */
export function keyOutboxConformance(open: () => { readonly store: KeyStore; readonly outbox: KeyOutbox }): void {
  const begun = async () => {
    const { store } = open();
    const claimed = await claimKey(store);
    const plain = await activeKey(store);
    const outbox = firstSteps(claimed.keyId, STAMP);
    const begins = { token: "t".repeat(33), terms: plain.terms, outbox };
    return store.decide(decisionOf(claimed, { begins }));
  };
  const historyOf = async (keyId: number) => (await open().outbox.histories([keyId]))[0];
  const step = (id: string, was: KeyStep["was"] = { terms: {} }): KeyStep => ({
    ...STAMP,
    was,
    events: [{ id, type: "key.updated", details: { link: ["$c", "a.b"] } }],
  });
  const isLookedAt = async (keyId: number) => {
    for await (const keyIds of open().outbox.unrelayed()) if (keyIds.includes(keyId)) return true;
    return false;
  };

  it("holds what a key began with, until it is marked", async () => {
    const key = await begun();
    const [created] = key.outbox;
    const id = created?.events[0]?.id ?? "";
    expect(await historyOf(key.keyId)).toEqual({ key, steps: [created], deletion: null, relayed: new Set() });
    expect(await isLookedAt(key.keyId)).toBe(true);
    await open().outbox.mark(new Map([[key.keyId, [id]]]));
    expect(await historyOf(key.keyId)).toMatchObject({ steps: [created], relayed: new Set([id]) });
    expect((await open().store.find(key.keyId))?.outbox).toEqual([]);
    expect(await isLookedAt(key.keyId)).toBe(false);
  });

  it("holds the steps of the version that stands, and no others", async () => {
    const key = await begun();
    const was = {
      name: "old",
      terms: { expiresAt: 5, usedFrom: { upload: 1, download: 2 }, groups: ["a"], note: null },
    };
    const lost = versionOf(key, {}, { fence: 1, outbox: [...key.outbox, step("lost")] });
    const stands = versionOf(key, {}, { fence: 2, outbox: [...key.outbox, step("stands", was)] });
    await open().store.change(key.keyId, stands);
    await open().store.change(key.keyId, lost);
    expect((await historyOf(key.keyId))?.steps).toEqual([...key.outbox, step("stands", was)]);
  });

  it("tells the first end of a key alone, and keeps what it was", async () => {
    const key = await begun();
    const { store, outbox } = open();
    await store.beginDeletion(key.keyId, "delete-1", undefined, STAMP);
    await store.beginDeletion(key.keyId, "delete-2", undefined, { ...STAMP, at: 7 });
    await store.cancel(key.keyId, [], { actor: SYSTEM, at: 8 });
    await store.finishDeletion(key.keyId);
    expect(await historyOf(key.keyId)).toMatchObject({ deletion: STAMP, key: { phase: "gone", deleter: "delete-1" } });
    await outbox.mark(new Map([[key.keyId, [deletionEventId(key.keyId)]]]));
    expect((await historyOf(key.keyId))?.relayed).toEqual(new Set([deletionEventId(key.keyId)]));
    expect(await isLookedAt(key.keyId)).toBe(false);
  });

  it("bounds the marks that it keeps, and forgets none of what may still be carried on", async () => {
    const key = await begun();
    for (let each = 0; each < 40; each += 1) {
      await historyOf(key.keyId);
      await open().outbox.mark(new Map([[key.keyId, [`mark-${each}`]]]));
    }
    const relayed = (await historyOf(key.keyId))?.relayed ?? new Set();
    expect(relayed.size).toBeLessThanOrEqual(33);
    expect([relayed.has("mark-39"), relayed.has("mark-20")]).toEqual([true, true]);
  });

  it("forgets no mark of an event that the key still carries, however many there are", async () => {
    const key = await begun();
    const { store, outbox } = open();
    const many = Array.from({ length: 40 }, (_, each) => step(`many-${each}`));
    const ids = many.flatMap(({ events }) => events.map(({ id }) => id));
    await store.change(key.keyId, versionOf(key, {}, { fence: 1, outbox: many }));
    await historyOf(key.keyId);
    await outbox.mark(new Map([[key.keyId, ids]]));
    // Made from what was read before these were marked.
    await store.change(key.keyId, versionOf(key, {}, { fence: 2, outbox: [...many, step("late")] }));
    await historyOf(key.keyId);
    await outbox.mark(new Map([[key.keyId, ["late"]]]));
    expect((await historyOf(key.keyId))?.relayed).toEqual(new Set([...ids, "late"]));
  });

  it("has nothing of keys that there are not, and marks nothing there", async () => {
    expect(await open().outbox.histories([1_999_999])).toEqual([]);
    await open().outbox.mark(new Map([[1_999_999, ["x"]]]));
    expect(await open().outbox.histories([1_999_999])).toEqual([]);
  });
}
