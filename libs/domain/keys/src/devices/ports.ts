import type { HeldLease } from "../node-users.ts";
import type { DeviceEvent } from "./device-events.ts";
import type { DeviceList } from "./device-list.ts";

/** The devices of keys, read-only. */
export interface DeviceReader {
  /**
   * Sees everything that was acknowledged before the call. Null for a key that never had a device.
   *
   * @throws {StoreUnavailableError} while the store is away
   */
  find(keyId: number): Promise<DeviceList | null>;
}

/** Where the devices of keys stand. Every method throws StoreUnavailableError; a write may then have happened. */
export interface DeviceStore extends DeviceReader {
  /** Stores a list unless a later one is there: a write that arrives late changes nothing. @returns the list that stands */
  put(list: DeviceList): Promise<DeviceList>;
  /** Ids of the keys that have a list, those that are gone included. */
  keyIds(): AsyncIterable<number>;
  /** Forgets the lists of keys that are gone. */
  remove(keyIds: readonly number[]): Promise<void>;
}

/** The events of devices where they were born. Every method throws StoreUnavailableError while the store is away. */
export interface DeviceOutbox {
  /** Those that are not logged, in their order, of those of the keys that have some. */
  unlogged(keyIds: readonly number[]): Promise<ReadonlyMap<number, readonly DeviceEvent[]>>;
  /** Marks events as logged, by the ids of their keys. */
  mark(marks: ReadonlyMap<number, readonly string[]>): Promise<void>;
  /** All keys of whose devices some event may not be marked. */
  unrelayed(): AsyncIterable<readonly number[]>;
}

/** The lease that makes one process the only one to change the devices of a key. */
export interface DeviceLease {
  /**
   * Runs the task while holding the lease: another one than that of the key itself, so that no device waits for a node.
   *
   * @throws {LeaseHeldError} when another process keeps it for too long, or what the task throws
   */
  holdDevices<T>(keyId: number, task: (lease: HeldLease) => Promise<T>): Promise<T>;
}
