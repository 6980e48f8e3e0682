import { AllKeysGoneError, type DeviceEvent, type DeviceList } from "@veil/keys";
import { InMemoryDevices } from "@veil/keys/testing";
import { ManualClock } from "@veil/runtime";
import { sharedClockAhead } from "@veil/test-support";
import { expect, it, vi } from "vitest";
import { removeDevicesOfGone } from "./clean-up.ts";

const NOW = 1_800_000_000;
const at = (now: number) => ({ earliest: () => now * 1_000 });
const listOf = (keyId: number, outbox: readonly DeviceEvent[] = []): DeviceList => {
  return { keyId, epoch: 0, version: 1, fence: 1, devices: [], changedBy: [], refusals: [], outbox };
};

it("removes the devices of keys that are gone, and no others, a bounded number at a time", async () => {
  const devices = new InMemoryDevices();
  for (let keyId = 1; keyId <= 2_500; keyId += 1) {
    await devices.put(listOf(keyId));
  }
  const keptAmong = vi.fn<(keyIds: readonly number[]) => Promise<Set<number>>>(
    async (keyIds) => new Set(keyIds.filter((keyId) => keyId % 2 === 0)),
  );
  expect(await removeDevicesOfGone(devices, { keptAmong }, at(NOW))).toBe(1_250);
  expect(keptAmong.mock.calls.map(([keyIds]) => keyIds.length)).toEqual([1_000, 1_000, 500]);
  expect([...devices.lists.keys()].every((keyId) => keyId % 2 === 0)).toBe(true);
  expect(await removeDevicesOfGone(devices, { keptAmong }, at(NOW))).toBe(0);
});

it("removes nothing of many keys of which none is active, as when the database lost them", async () => {
  const devices = new InMemoryDevices();
  for (let keyId = 1; keyId <= 51; keyId += 1) await devices.put(listOf(keyId));
  const remove = removeDevicesOfGone(devices, { keptAmong: async () => new Set<number>() }, at(NOW));
  await expect(remove).rejects.toThrow(AllKeysGoneError);
  expect(devices.lists.size).toBe(51);
});

it("keeps those whose events are not logged, for as long as their key may tell of them", async () => {
  const devices = new InMemoryDevices();
  const labels = { os: null, osVersion: null, model: null, userAgent: null };
  const device = { id: "d", ...labels, firstSeenAt: NOW, lastSeenAt: NOW };
  const event = { id: "1-added-1-d", type: "key.device_added", at: NOW, requestId: "r", revision: 1, device } as const;
  await devices.put(listOf(1, [event]));
  const remove = (now: number) => removeDevicesOfGone(devices, { keptAmong: async () => new Set<number>() }, at(now));
  expect([await remove(NOW + 3_600), devices.lists.size]).toEqual([0, 1]);
  const ahead = sharedClockAhead(new ManualClock(NOW * 1_000), 365 * 86_400_000);
  expect(await removeDevicesOfGone(devices, { keptAmong: async () => new Set<number>() }, ahead)).toBe(0);
  await devices.mark(new Map([[1, [event.id]]]));
  expect([await remove(NOW + 3_600), devices.lists.size]).toEqual([1, 0]);
  await devices.put(listOf(2, [{ ...event, id: "2-added-1-d" }]));
  expect([await remove(NOW + 86_400), await remove(NOW + 86_401), devices.lists.size]).toEqual([0, 1, 0]);
});
