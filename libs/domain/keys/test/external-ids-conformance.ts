import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ExternalIds, KeysToEnter } from "../src/index.ts";

/** As large as the microseconds of a clock, of which fences are made. */
const FENCE = 1_800_000_000_000_000;

/**
 * Registers what external ids rely on.
 *
 * @param open the entries under test; others may be there already, and each call may give the same ones
 */
export function externalIdsConformance(open: () => ExternalIds): void {
  describe("external ids", () => {
    it("belong to the first key that claims them, until they are replaced", async () => {
      const ids = open();
      const id = { externalId: `tg/42 ключ $a.b ${randomUUID()}`, owner: null };
      expect(await ids.find(id)).toEqual([]);
      for (const keyId of [7, 8, 7]) expect(await ids.claim(id, keyId)).toEqual({ keyIds: [7], version: 0 });
      expect(await ids.find(id)).toEqual([7]);
      await ids.replace(id, { keyIds: [8], version: 1, fence: FENCE });
      expect([await ids.find(id), await ids.claim(id, 7)]).toEqual([[8], { keyIds: [8], version: 1 }]);
    });

    it("name the keys that may yet turn out to have them, after the one that was entered last", async () => {
      const ids = open();
      const id = { externalId: randomUUID(), owner: "shop" };
      await ids.claim(id, 7);
      await ids.replace(id, { keyIds: [8, 7], version: 1, fence: FENCE });
      expect([await ids.find(id), await ids.claim(id, 9)]).toEqual([[8, 7], { keyIds: [8, 7], version: 1 }]);
      await ids.replace(id, { keyIds: [9], version: 2, fence: FENCE });
      expect(await ids.find(id)).toEqual([9]);
    });

    it.each<[string, KeysToEnter]>([
      ["of an earlier version", { keyIds: [8, 6], version: 1, fence: FENCE + 9 }],
      ["of the same version under an earlier lease", { keyIds: [8], version: 2, fence: FENCE - 1 }],
    ])("keep what was entered last, though an entry %s arrives after it", async (_name, late) => {
      const ids = open();
      const id = { externalId: randomUUID(), owner: null };
      await ids.claim(id, 7);
      await ids.replace(id, { keyIds: [9, 7], version: 2, fence: FENCE });
      await ids.replace(id, late);
      // What came late may be among those that may have the id, behind what stands.
      expect((await ids.find(id)).slice(0, 2)).toEqual([9, 7]);
      expect(await ids.claim(id, 8)).toMatchObject({ keyIds: expect.arrayContaining([9, 7]), version: 2 });
      // One of a later version stands though the clock of which leases are made was set back.
      await ids.replace(id, { keyIds: [10], version: 3, fence: 1 });
      expect((await ids.find(id))[0]).toBe(10);
    });

    it("go to one of 20 keys that claim one at once", async () => {
      const ids = open();
      const id = { externalId: randomUUID(), owner: "shop" };
      const holders = await Promise.all(Array.from({ length: 20 }, (_, index) => ids.claim(id, index + 1)));
      expect(new Set(holders.flatMap(({ keyIds }) => keyIds)).size).toBe(1);
      expect(await ids.find(id)).toEqual(holders[0]?.keyIds);
    });

    it("are those of each owner alone, and of nobody", async () => {
      const ids = open();
      const externalId = randomUUID();
      const owners = [null, "shop", "Shop", "магазин $a.b/c", `shop${externalId}`];
      for (const [index, owner] of owners.entries()) {
        expect(await ids.find({ externalId, owner })).toEqual([]);
        expect((await ids.claim({ externalId, owner }, index + 1)).keyIds).toEqual([index + 1]);
      }
      const entered = async () => (await Promise.all(owners.map((owner) => ids.find({ externalId, owner })))).flat();
      expect(await entered()).toEqual([1, 2, 3, 4, 5]);
      await ids.replace({ externalId, owner: "shop" }, { keyIds: [9], version: 1, fence: FENCE });
      expect(await entered()).toEqual([1, 9, 3, 4, 5]);
    });

    it("differ by every character", async () => {
      const ids = open();
      const id = randomUUID();
      await ids.claim({ externalId: `${id}a`, owner: null }, 1);
      for (const other of [id, `${id}A`, `${id}a `, `${id}á`]) {
        expect(await ids.find({ externalId: other, owner: null })).toEqual([]);
      }
    });
  });
}
