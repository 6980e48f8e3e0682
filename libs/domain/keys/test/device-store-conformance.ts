import { describe, expect, it } from "vitest";
import type { Device, DeviceList, DeviceStore } from "../src/index.ts";

/** As large as the microseconds of a clock, of which fences are made. */
const FENCE = 1_764_000_000_000_000;
let lastKeyId = 7_000;

const device: Device = {
  id: "0123456789abcdef0123456789abcdef",
  os: "iOS",
  osVersion: "18.1",
  model: "iPhone 小米 $a.b",
  userAgent: null,
  firstSeenAt: 1_700_000_000,
  lastSeenAt: 1_900_000_000,
};

function listOf(keyId: number, overrides: Partial<DeviceList> = {}): DeviceList {
  return { keyId, epoch: 0, version: 1, fence: FENCE, devices: [], changedBy: [], ...overrides };
}

/**
 * Registers what the devices of keys rely on.
 *
 * @param open the store under test; other lists may be in it already, and each call may give the same one
 */
export function deviceStoreConformance(open: () => DeviceStore): void {
  const newKeyId = () => (lastKeyId += 1);

  describe("devices", () => {
    it("are found as they were stored", async () => {
      const [store, keyId] = [open(), newKeyId()];
      expect(await store.find(keyId)).toBeNull();
      const list = listOf(keyId, {
        devices: [device, { ...device, id: "f".repeat(32), os: null }],
        changedBy: ["job-1"],
      });
      expect(await store.put(list)).toEqual(list);
      expect(await store.find(keyId)).toEqual(list);
      expect(await store.find(newKeyId())).toBeNull();
    });

    it.each<[string, Partial<DeviceList>, Partial<DeviceList>]>([
      ["epoch", { epoch: 2 }, { epoch: 1, version: 9, fence: FENCE + 9, devices: [device, device] }],
      ["version", { version: 3, fence: FENCE }, { version: 2, fence: FENCE + 9, devices: [device, device] }],
      ["fence", { fence: FENCE + 1 }, { fence: FENCE, devices: [device, device] }],
    ])("of the later %s stand, in whichever order they come", async (_name, later, earlier) => {
      const store = open();
      for (const order of [
        [later, earlier],
        [earlier, later],
      ]) {
        const keyId = newKeyId();
        let stands: DeviceList | null = null;
        for (const part of order) stands = await store.put(listOf(keyId, part));
        expect(stands).toEqual(listOf(keyId, later));
        expect(await store.find(keyId)).toEqual(listOf(keyId, later));
      }
    });

    it("are one key's each, however many are stored at once", async () => {
      const store = open();
      const lists = Array.from({ length: 50 }, () => listOf(newKeyId(), { devices: [device] }));
      expect(await Promise.all(lists.map((list) => store.put(list)))).toEqual(lists);
    });

    it("go with their keys", async () => {
      const store = open();
      const [gone, kept] = [newKeyId(), newKeyId()];
      for (const keyId of [gone, kept]) await store.put(listOf(keyId));
      await store.remove([gone, newKeyId()]);
      expect([await store.find(gone), await store.find(kept)]).toEqual([null, listOf(kept)]);
      const ids = [];
      for await (const keyId of store.keyIds()) ids.push(keyId);
      expect(ids).toContain(kept);
      expect(ids).not.toContain(gone);
    });
  });
}
