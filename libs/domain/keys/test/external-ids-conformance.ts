import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ExternalIds } from "../src/index.ts";

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
      expect(await ids.claim(id, 7)).toEqual([7]);
      expect(await ids.claim(id, 8)).toEqual([7]);
      expect(await ids.claim(id, 7)).toEqual([7]);
      expect(await ids.find(id)).toEqual([7]);
      await ids.replace(id, 8, []);
      expect([await ids.find(id), await ids.claim(id, 7)]).toEqual([[8], [8]]);
    });

    it("name the keys that may yet turn out to have them, after the one that was entered last", async () => {
      const ids = open();
      const id = { externalId: randomUUID(), owner: "shop" };
      await ids.claim(id, 7);
      await ids.replace(id, 8, [7]);
      expect([await ids.find(id), await ids.claim(id, 9)]).toEqual([
        [8, 7],
        [8, 7],
      ]);
      await ids.replace(id, 9, []);
      expect(await ids.find(id)).toEqual([9]);
    });

    it("go to one of 20 keys that claim one at once", async () => {
      const ids = open();
      const id = { externalId: randomUUID(), owner: "shop" };
      const holders = await Promise.all(Array.from({ length: 20 }, (_, index) => ids.claim(id, index + 1)));
      expect(new Set(holders.flat()).size).toBe(1);
      expect(await ids.find(id)).toEqual(holders[0]);
    });

    it("are those of each owner alone, and of nobody", async () => {
      const ids = open();
      const externalId = randomUUID();
      const owners = [null, "shop", "Shop", "магазин $a.b/c", `shop${externalId}`];
      for (const [index, owner] of owners.entries()) {
        expect(await ids.find({ externalId, owner })).toEqual([]);
        expect(await ids.claim({ externalId, owner }, index + 1)).toEqual([index + 1]);
      }
      const entered = async () => (await Promise.all(owners.map((owner) => ids.find({ externalId, owner })))).flat();
      expect(await entered()).toEqual([1, 2, 3, 4, 5]);
      await ids.replace({ externalId, owner: "shop" }, 9, []);
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
