import {
  type DeviceOutbox,
  type DeviceStore,
  type KeyReader,
  type LifecyclePorts,
  refuseIfAllAreGone,
} from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import { lastingFailure, type Logger, runLoop, type SharedClock, type Stoppable } from "@veil/runtime";
import { type ForgottenPlacesPorts, removeForgotten } from "./forgotten-places.ts";
import { deleteExpired } from "./terms/delete-expired.ts";
import { DeletionBrake } from "./terms/deletion-brake.ts";

/** Nobody waits for the deletion of what expired days ago. Each look counts for the brake, which wants some minutes between them. */
const DELETE_EXPIRED_EVERY_MS = 10 * 60_000;
/** Nobody sees the devices that a key leaves behind: their removal is not urgent. */
const REMOVE_DEVICES_EVERY_MS = 10 * 60_000;
/** They are kept for a month. */
const REMOVE_PLACES_EVERY_MS = 60 * 60_000;
const LEASE_MS = 10_000;

export interface CleanUpOptions {
  /** Null: expired keys stay. */
  readonly deleteExpiredAfterDays: number | null;
  readonly ports: LifecyclePorts;
  readonly store: ForgottenPlacesPorts & {
    readonly keyReader: KeyReader;
    readonly devices: DeviceStore & DeviceOutbox;
  };
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Pick<SharedClock, "now" | "earliest">;
  readonly log: Logger;
  /** Hears whether most keys are kept from being deleted as expired. */
  readonly onDeletionBrake: (isBraked: boolean) => void;
}

/** Deletes what nobody needs any more until the service stops, one replica at a time. */
export function startCleanUp(running: Stoppable, options: CleanUpOptions): void {
  const { deleteExpiredAfterDays: afterDays, ports, store, exclusive, clock, log, onDeletionBrake } = options;
  const { keyReader: keys, devices } = store;
  const start = ({ name, subject, remove, onRemoved, failure, ...pace }: CleanUp) =>
    runLoop(running, name, {
      ...pace,
      task: async () => {
        const done = await runExclusively({ ...exclusive, subject, leaseMs: LEASE_MS }, remove);
        if (done !== null && done.result > 0) onRemoved(done.result);
      },
      ...lastingFailure(log, failure),
    });
  if (afterDays !== null) {
    const brake = new DeletionBrake({ ...exclusive, log, onLook: onDeletionBrake });
    start({
      ...{ name: "expired keys", subject: "delete-expired", everyMs: DELETE_EXPIRED_EVERY_MS, jitter: 0.04 },
      remove: () => deleteExpired({ afterDays, brake, earliestNow: () => clock.earliest() }, keys, ports),
      onRemoved: (count) => log.info({ keys: count }, "deleted keys that expired long ago"),
      failure: "could not delete expired keys",
    });
  }
  start({
    ...{ name: "devices of keys that are gone", subject: "devices", everyMs: REMOVE_DEVICES_EVERY_MS, ...SELDOM },
    remove: () => removeDevicesOfGone(devices, keys, clock),
    onRemoved: (count) => log.debug({ keys: count }, "removed devices of keys that are gone"),
    failure: "could not remove devices of keys that are gone",
  });
  start({
    ...{ name: "nodes that are gone", subject: "forgotten-places", everyMs: REMOVE_PLACES_EVERY_MS, ...SELDOM },
    remove: () => removeForgotten(store),
    onRemoved: (count) => log.debug({ records: count }, "removed what was kept of nodes that are gone"),
    failure: "could not remove what is kept of nodes that are gone",
  });
}

const SELDOM = { jitter: 0.5, firstRun: "later" } as const;

interface CleanUp extends Pick<Parameters<typeof runLoop>[2], "everyMs" | "jitter" | "firstRun"> {
  /** Of the loop. */
  readonly name: string;
  /** Of the lease under which one replica does it. */
  readonly subject: string;
  /** @returns how much was removed */
  readonly remove: () => Promise<number>;
  readonly onRemoved: (count: number) => void;
  /** What is logged when it fails. */
  readonly failure: string;
}

const REMOVED_AT_ONCE = 1_000;
/** So long, in seconds, is an event waited for: as long as what is left of a key that is gone. */
const LOGGED_WITHIN_S = 24 * 60 * 60;

/**
 * Removes the devices of keys that are gone, once their events are logged. A key id is never used again, so what a slow job
 * writes anew goes with a later pass. The lists come first: a key that is created meanwhile must not look like one that is gone.
 *
 * @returns of how many keys
 * @throws {StoreUnavailableError | AllKeysGoneError}
 */
export async function removeDevicesOfGone(
  devices: Pick<DeviceStore, "keyIds" | "remove"> & Pick<DeviceOutbox, "unlogged">,
  keys: Pick<KeyReader, "keptAmong">,
  clock: Pick<SharedClock, "earliest">,
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
  const before = Math.floor(clock.earliest() / 1_000) - LOGGED_WITHIN_S;
  for (let start = 0; start < gone.length; start += REMOVED_AT_ONCE) {
    const some = gone.slice(start, start + REMOVED_AT_ONCE);
    const unlogged = await devices.unlogged(some);
    const over = some.filter((keyId) => (unlogged.get(keyId)?.at(-1)?.at ?? 0) < before);
    if (over.length > 0) await devices.remove(over);
    removed += over.length;
  }
  return removed;
}
