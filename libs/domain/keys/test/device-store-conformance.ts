import { describe, expect, it } from "vitest";
import type { Device, DeviceEvent, DeviceList, DeviceOutbox, DeviceStore } from "../src/index.ts";

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
  return {
    keyId,
    epoch: 0,
    version: 1,
    fence: FENCE,
    devices: [],
    changedBy: [],
    refusals: [],
    outbox: [],
    ...overrides,
  };
}

function eventOf(keyId: number, name: string): DeviceEvent {
  const id = `${keyId}-${name}-${device.id}`;
  return { id, type: "key.device_added", at: 1_900_000_000, requestId: "r-1", revision: 3, device };
}

const unregistered = { ...device, firstSeenAt: null, lastSeenAt: null };

/**
 * Registers what the devices of keys rely on.
 *
 * @param open the store under test; other lists may be in it already, and each call may give the same one
 */
export function deviceStoreConformance(open: () => DeviceStore & DeviceOutbox): void {
  const newKeyId = () => (lastKeyId += 1);

  describe("devices", () => {
    it("are found as they were stored", async () => {
      const [store, keyId] = [open(), newKeyId()];
      expect(await store.find(keyId)).toBeNull();
      const list = listOf(keyId, {
        devices: [device, { ...device, id: "f".repeat(32), os: null }],
        changedBy: ["job-1", "job-2"],
        changedAt: [null, 1_900_000_000],
        refusals: [{ id: "e".repeat(32), at: 1_900_000_000 }],
        outbox: [eventOf(keyId, "added-1"), { ...eventOf(keyId, "refused-1"), device: unregistered }],
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

    it("have events until these are logged, also in a list that was made before", async () => {
      const [store, keyId, other] = [open(), newKeyId(), newKeyId()];
      const [one, two, three] = ["added-1", "added-2", "refused-2"].map((name) => eventOf(keyId, name));
      if (one === undefined || two === undefined || three === undefined) throw new Error("there are three");
      const first = listOf(keyId, { outbox: [one] });
      await store.put(first);
      await store.put(listOf(other));
      expect(await store.unlogged([keyId, other, newKeyId()])).toEqual(new Map([[keyId, [one]]]));
      expect(await unrelayed(store)).toContain(keyId);
      expect(await unrelayed(store)).not.toContain(other);
      await store.mark(new Map([[keyId, [one.id, "nobody's"]]]));
      expect((await store.find(keyId))?.outbox).toEqual([]);
      expect(await unrelayed(store)).not.toContain(keyId);
      const late = listOf(keyId, { version: 2, outbox: [one, two, three] });
      expect(await store.put(late)).toEqual({ ...late, outbox: [two, three] });
      await store.unlogged([keyId]);
      await store.mark(new Map([[keyId, [two.id]]]));
      expect(await store.unlogged([keyId])).toEqual(new Map([[keyId, [three]]]));
    });

    it("forget no mark of an event that a list still has, however many there are", async () => {
      const [store, keyId] = [open(), newKeyId()];
      const many = Array.from({ length: 100 }, (_, index) => eventOf(keyId, `added-${index}`));
      const more = eventOf(keyId, "added-101");
      await store.put(listOf(keyId, { outbox: many }));
      await store.unlogged([keyId]);
      await store.mark(new Map([[keyId, many.map(({ id }) => id)]]));
      await store.put(listOf(keyId, { version: 2, outbox: [...many, more] }));
      expect(await store.unlogged([keyId])).toEqual(new Map([[keyId, [more]]]));
      await store.mark(new Map([[keyId, [more.id]]]));
      expect(await store.unlogged([keyId])).toEqual(new Map());
      await store.put(listOf(keyId, { version: 3 }));
      expect(await unrelayed(store)).not.toContain(keyId);
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

async function unrelayed(store: DeviceOutbox): Promise<number[]> {
  const found = [];
  for await (const keyIds of store.unrelayed()) found.push(...keyIds);
  return found;
}
