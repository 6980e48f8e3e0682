import { type DeviceStore, type KeyReader, SEES_ALL } from "@veil/keys";

const REMOVED_AT_ONCE = 1_000;

/**
 * Removes the devices of keys that are gone. A key id is never used again, so what a slow job writes anew goes with the next
 * pass. The lists come first: a key that is created meanwhile must not look like one that is gone.
 *
 * @returns of how many keys
 * @throws {StoreUnavailableError}
 */
export async function removeDevicesOfGone(
  devices: Pick<DeviceStore, "keyIds" | "remove">,
  keys: Pick<KeyReader, "activeAmong">,
): Promise<number> {
  let removed = 0;
  let part: number[] = [];
  const removePart = async () => {
    const active = await keys.activeAmong(part, SEES_ALL);
    const gone = part.filter((keyId) => !active.has(keyId));
    if (gone.length > 0) await devices.remove(gone);
    removed += gone.length;
    part = [];
  };
  for await (const keyId of devices.keyIds()) {
    part.push(keyId);
    if (part.length >= REMOVED_AT_ONCE) await removePart();
  }
  if (part.length > 0) await removePart();
  return removed;
}
