import { describe, expect, it } from "vitest";
import { type DesiredStore, desiredOn, type KeyStore } from "../src/index.ts";
import { activeKey, claimKey, decisionOf, goneKey, idsOf } from "./stored-keys.ts";

/** The port under test, and the store of keys behind it. */
export interface DesiredStateTarget {
  readonly store: KeyStore;
  readonly desired: DesiredStore;
}

/**
 * Registers what reconciling relies on in a {@link DesiredStore}.
 *
 * @param open the state under test; other keys may be in it already, and each call may give the same one
 */
export function desiredStateConformance(open: () => DesiredStateTarget): void {
  describe("desired users", () => {
    it("wants the users of active keys, as they were decided", async () => {
      const { store, desired } = open();
      const { keyId, uuid, flow } = await activeKey(store, { flow: "xtls-rprx-vision" });
      await store.markIndeterminate(keyId, "main");
      expect((await desired.findDesired()).get(keyId)).toEqual({
        keyId,
        uuid,
        flow,
        indeterminate: ["main"],
        groups: ["default"],
      });
    });

    it("wants no user of a key that is refused, claimed, deleting, cancelled or gone", async () => {
      const { store, desired } = open();
      const refused = await store.decide(decisionOf(await claimKey(store), { phase: "deleting" }));
      const claimed = await claimKey(store);
      const [deleting, cancelled] = [await activeKey(store), await activeKey(store)];
      await store.beginDeletion(deleting.keyId, "delete-a");
      await store.cancel(cancelled.keyId, []);
      const gone = await goneKey(store);
      const wanted = await desired.findDesired();
      for (const { keyId } of [refused, claimed, deleting, cancelled, gone]) expect(wanted.has(keyId)).toBe(false);
    });

    it("finds the same of some keys alone", async () => {
      const { store, desired } = open();
      const [one, other] = [await activeKey(store), await activeKey(store)];
      await store.markIndeterminate(one.keyId, "main");
      const [deleting, gone] = [await activeKey(store), await goneKey(store)];
      await store.beginDeletion(deleting.keyId, "delete-a");
      const among = await desired.findDesiredAmong([one.keyId, other.keyId, deleting.keyId, gone.keyId, 0]);
      const all = await desired.findDesired();
      expect(among).toEqual(new Map([one.keyId, other.keyId].map((keyId) => [keyId, all.get(keyId)])));
    });

    it("knows whether there are at least so many", async () => {
      const { store, desired } = open();
      await activeKey(store);
      const groups = ["default"];
      const { size } = desiredOn({ groups }, await desired.findDesired());
      expect(await desired.hasDesired(1, groups)).toBe(true);
      expect(await desired.hasDesired(size, groups)).toBe(true);
      expect(await desired.hasDesired(size + 1, groups)).toBe(false);
    });
  });

  it("finds a key under creation from its claim until its decision, however late", async () => {
    const { store, desired } = open();
    const claimed = await claimKey(store, { deadline: Date.now() - 60_000, flow: "xtls-rprx-vision", groups: ["vip"] });
    expect(await desired.findCreating()).toContainEqual(claimed);
    await store.decide(decisionOf(claimed));
    expect(idsOf(await desired.findCreating())).not.toContain(claimed.keyId);
  });

  it("finds many keys under creation at once, and none that is decided", async () => {
    const { store, desired } = open();
    const claims = await Promise.all(Array.from({ length: 320 }, () => claimKey(store)));
    const [decided, ...open320] = claims;
    if (decided !== undefined) await store.decide(decisionOf(decided));
    const found = new Set(idsOf(await desired.findCreating()));
    expect(idsOf(open320).filter((keyId) => !found.has(keyId))).toEqual([]);
    expect(found.has(decided?.keyId ?? 0)).toBe(false);
  });
}
