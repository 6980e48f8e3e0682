import { randomUUID } from "node:crypto";
import { SYSTEM } from "@veil/events";
import { describe, expect, it } from "vitest";
import { firstTerms, type KeyStore, type KeyTerms } from "../src/index.ts";
import { keyWith, versionOf } from "./changed-keys.ts";
import { activeKey, claimKey, decisionOf, idsOf } from "./stored-keys.ts";

const MISSING = 1_999_999;
/** As large as the microseconds of a clock, of which fences are made. */
const FENCE = 1_764_000_000_000_000;

const everyTerm: Omit<KeyTerms, "revision"> = {
  enabled: false,
  expiresAt: 253_402_300_799,
  trafficLimit: Number.MAX_SAFE_INTEGER,
  trafficReset: "month_rolling",
  nextResetAt: 1_900_000_000,
  resetAnchor: 1_800_000_000,
  usedFrom: { upload: Number.MAX_SAFE_INTEGER, download: 2 ** 31 },
  limitedAt: 1_800_000_001,
  isExpiryCounted: true,
  holdFor: null,
  holdUntil: null,
  holdFrom: 7,
  externalId: "tg/42 ключ",
  tag: "платно",
  note: "$set: {a.b}",
  groups: ["default", "vip"],
  deviceLimit: 3,
  deviceEpoch: 2,
  noticed: { isConnected: true, thresholds: [80, 95], hours: [72] },
};

/**
 * Registers what changes of keys rely on in a {@link KeyStore}.
 *
 * @param open the store under test; other keys may be in it already, and each call may give the same one
 */
export function keyChangesConformance(open: () => KeyStore): void {
  describe("changes", () => {
    it("keep every term, and what else a version has", async () => {
      const store = open();
      const key = await activeKey(store);
      const version = versionOf(key, everyTerm, {
        uuid: randomUUID(),
        name: null,
        token: "t".repeat(33),
        changedBy: ["change-1", "change-2"],
        changedAt: [null, 1_800_000_000],
        fence: FENCE,
      });
      const { fence: _fence, ...stored } = version;
      expect(await store.change(key.keyId, version)).toEqual({
        ...{ ...key, ...stored, isRevoked: true },
        ...{ hands: [], clear: [] },
      });
      expect(await store.find(key.keyId)).toMatchObject({ ...key, ...stored, isRevoked: true });
    });

    it("keep the terms and the token with which a key begins", async () => {
      const store = open();
      for (const terms of [{}, { ...everyTerm, revision: 1 }]) {
        const claimed = await claimKey(store);
        const first = firstTerms({}, { createdAt: claimed.createdAt, nextResetAt: null });
        const begins = { token: "t".repeat(33), terms: { ...first, ...terms }, outbox: [] };
        const decided = await store.decide(decisionOf(claimed, { begins }));
        expect(decided).toMatchObject({ ...begins, changedBy: [], changedAt: [] });
        expect(await store.find(claimed.keyId)).toEqual(decided);
      }
    });

    it("come after the terms with which a key began, and after those that stand for none", async () => {
      const store = open();
      const claimed = await claimKey(store);
      const terms = { ...firstTerms({}, { createdAt: claimed.createdAt, nextResetAt: null }), tag: "old" };
      const begun = await store.decide(decisionOf(claimed, { begins: { token: "t".repeat(33), terms, outbox: [] } }));
      for (const key of [begun, await activeKey(store)]) {
        const sameRevision = versionOf(key, { revision: 1, tag: "new" });
        expect((await store.change(key.keyId, sameRevision))?.terms.tag).toBe("new");
      }
    });

    it.each([
      ["of a lower revision", { revision: 2 }, FENCE + 5],
      ["of the same revision and an older lease", { revision: 3 }, FENCE - 1],
    ])("that come late, %s, change nothing", async (_name, terms, fence) => {
      const store = open();
      const key = await keyWith(store, { revision: 3, tag: "stands" }, { fence: FENCE });
      const late = versionOf(
        key,
        { ...terms, tag: "late" },
        { fence, name: "late", changedBy: ["late"], changedAt: [1] },
      );
      expect(await store.change(key.keyId, late)).toMatchObject(key);
      expect(await store.find(key.keyId)).toMatchObject(key);
    });

    it.each([
      ["of a higher revision and an older lease", { revision: 4 }, 3],
      ["of a revision with more digits", { revision: 10 }, 3],
      ["of the same revision and a later lease", { revision: 3 }, FENCE + 1],
    ])("%s stand", async (_name, terms, fence) => {
      const store = open();
      const key = await keyWith(store, { revision: 3, tag: "over" }, { fence: FENCE });
      const changed = await store.change(key.keyId, versionOf(key, { ...terms, tag: "stands" }, { fence }));
      expect(changed?.terms).toEqual({ ...key.terms, ...terms, tag: "stands" });
    });

    it("of many keys at once stand as those of one do: the later version, also of a deleted key, and none that is not there", async () => {
      const store = open();
      const keys = await Promise.all(Array.from({ length: 130 }, () => activeKey(store)));
      const [changed, deleted] = [await keyWith(store, { revision: 3, tag: "stands" }), await activeKey(store)];
      await store.takeUp(changed.keyId, { hand: "mine", inPlaceOf: null, indeterminate: [] });
      await store.beginDeletion(deleted.keyId, "delete-a");
      const step = { at: 1, actor: SYSTEM, was: { terms: {} } };
      const outbox = [{ ...step, events: [{ id: randomUUID(), type: "key.expired" as const }] }];
      const versions = [...keys, deleted].map(
        (key) => [key.keyId, versionOf(key, { isExpiryCounted: true }, { fence: FENCE, outbox })] as const,
      );
      const late = [changed.keyId, versionOf(changed, { revision: 2, tag: "late" })] as const;
      const missing = [MISSING, versionOf(deleted, { tag: "x" })] as const;
      await store.changeMany(new Map([...versions, late, missing]));
      for (const [keyId, { terms }] of versions) expect(await store.find(keyId)).toMatchObject({ terms, outbox });
      expect(await store.find(deleted.keyId)).toMatchObject({ phase: "deleting" });
      expect(await store.find(MISSING)).toBeNull();
      const taken = await store.takeUp(changed.keyId, { hand: "yours", inPlaceOf: null, indeterminate: [] });
      expect([taken?.terms.tag, taken?.hands.toSorted()]).toEqual(["stands", ["mine", "yours"]]);
    });

    it("leave one version of 20 at once, the last by revision and lease", async () => {
      const store = open();
      const key = await activeKey(store);
      const versions = Array.from({ length: 20 }, (_, index) =>
        versionOf(key, { revision: 2 + (index % 4), note: String(index) }, { fence: FENCE + index }),
      );
      await Promise.all(versions.map((version) => store.change(key.keyId, version)));
      expect((await store.find(key.keyId))?.terms).toMatchObject({ revision: 5, note: "19" });
    });

    it("enter a hand in the same write, also when they come late", async () => {
      const store = open();
      const key = await keyWith(store, { revision: 3 }, { fence: FENCE });
      const entry = { hand: "mine", inPlaceOf: null, indeterminate: ["main"] };
      const late = versionOf(key, { revision: 2 });
      expect(await store.change(key.keyId, late, entry)).toMatchObject({ hands: ["mine"], indeterminate: ["main"] });
    });

    it("of a key that is not there make none, and bring none back", async () => {
      const store = open();
      const key = await activeKey(store);
      expect(await store.change(MISSING, versionOf(key, { tag: "x" }))).toBeNull();
      expect(await store.find(MISSING)).toBeNull();
      await store.beginDeletion(key.keyId, "delete-a");
      expect(await store.change(key.keyId, versionOf(key, { tag: "x" }))).toMatchObject({ phase: "deleting" });
    });
  });

  it("finds a key out of service that one of the nodes may still hold, and none in service", async () => {
    const store = open();
    const [off, over, on] = [
      await keyWith(store, { enabled: false }),
      await keyWith(store, { expiresAt: 1_700_000_000 }),
      await keyWith(store, { tag: "x" }),
    ];
    const found = async (nodes: readonly string[], now = Date.now()) => {
      const all = idsOf(
        await store.findUncleared(
          nodes.map((name) => ({ name, groups: ["default"] })),
          now,
        ),
      );
      return [off, over, on].map(({ keyId }) => all.includes(keyId));
    };
    expect(await found(["main"])).toEqual([false, false, false]);
    for (const { keyId } of [off, over, on]) await store.markIndeterminate(keyId, "main");
    expect(await found(["main", "other"])).toEqual([true, true, false]);
    expect(await found(["other"])).toEqual([false, false, false]);
    expect(await found(["main"], 1_600_000_000_000)).toEqual([true, false, false]);
  });
}
