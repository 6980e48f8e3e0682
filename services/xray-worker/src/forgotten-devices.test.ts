import { InMemoryDevices } from "@veil/keys/testing";
import { expect, it, vi } from "vitest";
import { removeDevicesOfGone } from "./forgotten-devices.ts";

it("removes the devices of keys that are gone, and no others, a bounded number at a time", async () => {
  const devices = new InMemoryDevices();
  for (let keyId = 1; keyId <= 2_500; keyId += 1) {
    await devices.put({ keyId, epoch: 0, version: 1, fence: 1, devices: [], changedBy: [] });
  }
  const activeAmong = vi.fn<(keyIds: readonly number[]) => Promise<Set<number>>>(
    async (keyIds) => new Set(keyIds.filter((keyId) => keyId % 2 === 0)),
  );
  expect(await removeDevicesOfGone(devices, { activeAmong })).toBe(1_250);
  expect(activeAmong.mock.calls.map(([keyIds]) => keyIds.length)).toEqual([1_000, 1_000, 500]);
  expect([...devices.lists.keys()].every((keyId) => keyId % 2 === 0)).toBe(true);
  expect(await removeDevicesOfGone(devices, { activeAmong })).toBe(0);
});
