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
      const id = `tg/42 ключ $a.b ${randomUUID()}`;
      expect(await ids.find(id)).toBeNull();
      expect(await ids.claim(id, 7)).toBe(7);
      expect(await ids.claim(id, 8)).toBe(7);
      expect(await ids.claim(id, 7)).toBe(7);
      expect(await ids.find(id)).toBe(7);
      await ids.replace(id, 8);
      expect([await ids.find(id), await ids.claim(id, 7)]).toEqual([8, 8]);
    });

    it("go to one of 20 keys that claim one at once", async () => {
      const ids = open();
      const id = randomUUID();
      const holders = await Promise.all(Array.from({ length: 20 }, (_, index) => ids.claim(id, index + 1)));
      expect(new Set(holders).size).toBe(1);
      expect(await ids.find(id)).toBe(holders[0]);
    });

    it("differ by every character", async () => {
      const ids = open();
      const id = randomUUID();
      await ids.claim(`${id}a`, 1);
      for (const other of [id, `${id}A`, `${id}a `, `${id}á`]) expect(await ids.find(other)).toBeNull();
    });
  });
}
