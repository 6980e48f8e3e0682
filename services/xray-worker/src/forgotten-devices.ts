import { type DeviceOutbox, type DeviceStore, type KeyReader, SEES_ALL } from "@veil/keys";

const REMOVED_AT_ONCE = 1_000;
/** So long, in seconds, is an event waited for: as long as what is left of a key that is gone. */
const LOGGED_WITHIN_S = 24 * 60 * 60;

/**
 * Removes the devices of keys that are gone, once their events are logged. A key id is never used again, so what a slow job
 * writes anew goes with a later pass. The lists come first: a key that is created meanwhile must not look like one that is gone.
 *
 * @param now unix seconds
 * @returns of how many keys
 * @throws {StoreUnavailableError}
 */
export async function removeDevicesOfGone(
  devices: Pick<DeviceStore, "keyIds" | "remove"> & Pick<DeviceOutbox, "unlogged">,
  keys: Pick<KeyReader, "activeAmong">,
  now: number,
): Promise<number> {
  let removed = 0;
  let part: number[] = [];
  const removePart = async () => {
    const active = await keys.activeAmong(part, SEES_ALL);
    const gone = part.filter((keyId) => !active.has(keyId));
    const unlogged = await devices.unlogged(gone);
    const over = gone.filter((keyId) => (unlogged.get(keyId)?.at(-1)?.at ?? 0) < now - LOGGED_WITHIN_S);
    if (over.length > 0) await devices.remove(over);
    removed += over.length;
    part = [];
  };
  for await (const keyId of devices.keyIds()) {
    part.push(keyId);
    if (part.length >= REMOVED_AT_ONCE) await removePart();
  }
  if (part.length > 0) await removePart();
  return removed;
}
