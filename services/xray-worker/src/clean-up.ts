import {
  type Clock,
  type DeviceOutbox,
  type DeviceStore,
  type KeyReader,
  type LifecyclePorts,
  refuseIfAllAreGone,
} from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import { lastingFailure, type Logger, runLoop, type Stoppable } from "@veil/runtime";
import { type ForgottenPlacesPorts, removeForgotten } from "./forgotten-places.ts";
import { deleteExpired } from "./terms/delete-expired.ts";

/** Nobody waits for the deletion of what expired days ago. */
const DELETE_EXPIRED_EVERY_MS = 10 * 60_000;
const DELETE_EXPIRED_LEASE_MS = 10_000;
/** Nobody sees the devices that a key leaves behind: their removal is not urgent. */
const REMOVE_DEVICES_EVERY_MS = 10 * 60_000;
const REMOVE_DEVICES_LEASE_MS = 10_000;
/** They are kept for a month. */
const REMOVE_PLACES_EVERY_MS = 60 * 60_000;

export interface CleanUpOptions {
  /** Null: expired keys stay. */
  readonly deleteExpiredAfterDays: number | null;
  readonly ports: LifecyclePorts;
  readonly store: ForgottenPlacesPorts & {
    readonly keyReader: KeyReader;
    readonly devices: DeviceStore & DeviceOutbox;
  };
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
}

/** Deletes what nobody needs any more until the service stops, one replica at a time. */
export function startCleanUp(running: Stoppable, options: CleanUpOptions): void {
  const { deleteExpiredAfterDays: afterDays, ports, store, exclusive, clock, log } = options;
  const { keyReader: keys, devices } = store;
  if (afterDays !== null) {
    runLoop(running, "expired keys", {
      everyMs: DELETE_EXPIRED_EVERY_MS,
      jitter: 0.2,
      task: async () => {
        const task = { ...exclusive, subject: "delete-expired", leaseMs: DELETE_EXPIRED_LEASE_MS };
        const done = await runExclusively(task, () => deleteExpired(afterDays, keys, ports));
        if (done !== null && done.result > 0) log.info({ keys: done.result }, "deleted keys that expired long ago");
      },
      ...lastingFailure(log, "could not delete expired keys"),
    });
  }
  runLoop(running, "devices of keys that are gone", {
    everyMs: REMOVE_DEVICES_EVERY_MS,
    jitter: 0.5,
    firstRun: "later",
    task: async () => {
      const task = { ...exclusive, subject: "devices", leaseMs: REMOVE_DEVICES_LEASE_MS };
      const now = Math.floor(clock.now() / 1_000);
      const done = await runExclusively(task, () => removeDevicesOfGone(devices, keys, now));
      if (done !== null && done.result > 0) log.debug({ keys: done.result }, "removed devices of keys that are gone");
    },
    ...lastingFailure(log, "could not remove devices of keys that are gone"),
  });
  runLoop(running, "nodes that are gone", {
    everyMs: REMOVE_PLACES_EVERY_MS,
    jitter: 0.5,
    firstRun: "later",
    task: async () => {
      const task = { ...exclusive, subject: "forgotten-places", leaseMs: REMOVE_DEVICES_LEASE_MS };
      const done = await runExclusively(task, () => removeForgotten(store));
      if (done !== null && done.result > 0)
        log.debug({ records: done.result }, "removed what was kept of nodes that are gone");
    },
    ...lastingFailure(log, "could not remove what is kept of nodes that are gone"),
  });
}

const REMOVED_AT_ONCE = 1_000;
/** So long, in seconds, is an event waited for: as long as what is left of a key that is gone. */
const LOGGED_WITHIN_S = 24 * 60 * 60;

/**
 * Removes the devices of keys that are gone, once their events are logged. A key id is never used again, so what a slow job
 * writes anew goes with a later pass. The lists come first: a key that is created meanwhile must not look like one that is gone.
 *
 * @param now unix seconds
 * @returns of how many keys
 * @throws {StoreUnavailableError | AllKeysGoneError}
 */
export async function removeDevicesOfGone(
  devices: Pick<DeviceStore, "keyIds" | "remove"> & Pick<DeviceOutbox, "unlogged">,
  keys: Pick<KeyReader, "keptAmong">,
  now: number,
): Promise<number> {
  const gone: number[] = [];
  let known = 0;
  let part: number[] = [];
  const lookAtPart = async () => {
    const kept = await keys.keptAmong(part);
    gone.push(...part.filter((keyId) => !kept.has(keyId)));
    known += part.length;
    part = [];
  };
  for await (const keyId of devices.keyIds()) {
    part.push(keyId);
    if (part.length >= REMOVED_AT_ONCE) await lookAtPart();
  }
  if (part.length > 0) await lookAtPart();
  refuseIfAllAreGone(gone.length, known);
  let removed = 0;
  for (let start = 0; start < gone.length; start += REMOVED_AT_ONCE) {
    const some = gone.slice(start, start + REMOVED_AT_ONCE);
    const unlogged = await devices.unlogged(some);
    const over = some.filter((keyId) => (unlogged.get(keyId)?.at(-1)?.at ?? 0) < now - LOGGED_WITHIN_S);
    if (over.length > 0) await devices.remove(over);
    removed += over.length;
  }
  return removed;
}
