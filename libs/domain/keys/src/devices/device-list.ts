import type { KeyTerms } from "../terms/key-terms.ts";
import type { DeviceEvent } from "./device-events.ts";
import type { Device, SeenDevice } from "./device.ts";

/** The devices of one key. Of two versions the later one stands: by `epoch`, then by `version`, then by `fence`. */
export interface DeviceList {
  readonly keyId: number;
  /** The `deviceEpoch` of the key's terms under which it was written: one from before a reset holds no devices any more. */
  readonly epoch: number;
  /** Goes up with each change. */
  readonly version: number;
  /** Decides between two of the same version: the fence of the lease under which it was made. */
  readonly fence: number;
  /** In the order in which they came. */
  readonly devices: readonly Device[];
  /** Ids of the jobs that took devices out, the newest last; only the last few. */
  readonly changedBy: readonly string[];
  /** When each of these jobs did so, in unix seconds; null, or left out, where a version before did not note it. */
  readonly changedAt?: readonly (number | null)[];
  /** Refusals that were reported, the oldest first; those older than a day may be missing. */
  readonly refusals: readonly Refusal[];
  /** Events that are not in the log yet, the oldest first. */
  readonly outbox: readonly DeviceEvent[];
}

/** How many devices of a key without a limit are kept. A limit is at most the contract's 1,000, which bounds all others. */
export const MOST_DEVICES = 100;

/** So often, in seconds, is it noted at most that a known device was there. */
const NOTED_EVERY_S = 3_600;

/**
 * The first of a full list to make room where there is no limit; so long ago, in seconds, that whoever makes devices up
 * changes no more than a list a day.
 */
const MAKES_ROOM_AFTER_S = 86_400;

type OfDevices = Pick<KeyTerms, "deviceEpoch" | "deviceLimit">;

/** The devices that count: none from before the last reset. */
export function devicesOf(list: DeviceList | null, { deviceEpoch }: Pick<OfDevices, "deviceEpoch">): readonly Device[] {
  return list === null || list.epoch < deviceEpoch ? [] : list.devices;
}

/**
 * Where a device stands. `allowed` and `refused` are known ones: under a limit that was lowered the ones that came first
 * stay. One that is `new` would find room; for one that is `unwelcome` there is none, and one that is `uncounted` is let in
 * without a place in the list, because its key has no limit.
 */
export type DeviceStanding = "allowed" | "refused" | "new" | "unwelcome" | "uncounted";

/** @param now unix seconds */
export function standingOf(
  deviceId: string,
  devices: readonly Device[],
  { deviceLimit }: Pick<OfDevices, "deviceLimit">,
  now: number,
): DeviceStanding {
  const place = devices.findIndex(({ id }) => id === deviceId);
  if (place >= 0) return deviceLimit === null || place < deviceLimit ? "allowed" : "refused";
  if (deviceLimit !== null) return devices.length < deviceLimit ? "new" : "unwelcome";
  return devices.length < MOST_DEVICES || leavingFrom(devices, now) !== null ? "new" : "uncounted";
}

/**
 * Whether it is time to note that a known device was there: also when that was noted by a clock which has been set back since.
 *
 * @param now unix seconds
 */
export function isToBeNoted(deviceId: string, devices: readonly Device[], now: number): boolean {
  const known = devices.find(({ id }) => id === deviceId);
  return known !== undefined && Math.abs(now - known.lastSeenAt) >= NOTED_EVERY_S;
}

/**
 * The devices with one more, or with what is new about a known one.
 *
 * @param now unix seconds
 * @returns null when there is no room for it
 */
export function withDevice(
  { id, ...labels }: SeenDevice,
  devices: readonly Device[],
  terms: Pick<OfDevices, "deviceLimit">,
  now: number,
): readonly Device[] | null {
  switch (standingOf(id, devices, terms, now)) {
    case "allowed":
      return devices.map((device) => (device.id === id ? { ...device, ...labels, lastSeenAt: now } : device));
    case "new": {
      const leaving = terms.deviceLimit === null && devices.length >= MOST_DEVICES ? leavingFrom(devices, now) : null;
      const added = { id, ...labels, firstSeenAt: now, lastSeenAt: now };
      return [...devices.filter((device) => device !== leaving), added];
    }
    default:
      return null;
  }
}

function leavingFrom(devices: readonly Device[], now: number): Device | null {
  const [first, ...others] = devices;
  if (first === undefined) return null;
  // One that is dated ahead may have been there at any time: it must not keep its place until then.
  const seenAt = ({ lastSeenAt }: Device) => (lastSeenAt - now < NOTED_EVERY_S ? lastSeenAt : 0);
  const oldest = others.reduce((found, device) => (seenAt(device) < seenAt(found) ? device : found), first);
  return now - seenAt(oldest) >= MAKES_ROOM_AFTER_S ? oldest : null;
}

/** That a device was refused, and reported so. */
export interface Refusal {
  /** The device's id. */
  readonly id: string;
  /** Unix seconds. */
  readonly at: number;
}

/** A device that is refused again is reported again after so long, in seconds. */
const REPORTED_AGAIN_AFTER_S = 86_400;

/** Devices of one key that are reported as refused within a day: whoever makes devices up makes no more events. */
export const MOST_REFUSALS_A_DAY = 10;

/** Those that still keep others from being reported; not for long by a clock that has been set back since. @param now unix seconds */
export function recentRefusals(refusals: readonly Refusal[], now: number): readonly Refusal[] {
  return refusals.filter(({ at }) => Math.abs(now - at) < REPORTED_AGAIN_AFTER_S);
}

/**
 * Whether it is to be reported that a device is refused.
 *
 * @param refusals those of the key that were reported
 * @param now unix seconds
 */
export function isRefusalToBeReported(deviceId: string, refusals: readonly Refusal[], now: number): boolean {
  const recent = recentRefusals(refusals, now);
  return recent.length < MOST_REFUSALS_A_DAY && recent.every(({ id }) => id !== deviceId);
}
