import type { EventHints } from "@veil/events";
import { knowsWriteOf, remember, type RememberedJobs } from "@veil/idempotency";
import { isVisible, type KeyRecord } from "../access-key.ts";
import { LeaseHeldError } from "../errors.ts";
import type { Clock, HeldLease } from "../node-users.ts";
import { TOO_LATE } from "../not-done.ts";
import { sees, type Viewer } from "../owners.ts";
import { admitDevices, type ArrivingDevice } from "./admit-devices.ts";
import { devicesSubjectOf, namedDeviceEvent, type UnnamedDeviceEvent } from "./device-events.ts";
import { type DeviceList, devicesOf } from "./device-list.ts";
import type { DeviceLease, DeviceStore } from "./ports.ts";

/** The ports that changes of devices need. */
export interface DevicePorts {
  readonly devices: DeviceStore;
  readonly keys: { find(keyId: number): Promise<KeyRecord | null> };
  readonly lease: DeviceLease;
  readonly clock: Pick<Clock, "now">;
  /** Asked before each write that is reported. */
  readonly hints: EventHints;
}

/** Of a caller with an owner other keys are not there. */
interface DeviceJob extends Viewer {
  readonly keyId: number;
  /** Milliseconds since the epoch; nothing is changed after it. */
  readonly deadline: number;
}

const NOT_FOUND = { outcome: "not-found" } as const;
const DONE = { outcome: "done" } as const;

export type RegisterDeviceResult =
  | { readonly outcome: "registered" }
  /** The key's limit leaves no room for it. */
  | { readonly outcome: "refused" }
  /** The key has no limit, and as many devices as are kept. */
  | { readonly outcome: "uncounted" }
  | typeof NOT_FOUND
  | typeof TOO_LATE;

/**
 * Registers devices of a key, in their order, by one write; of known ones it is noted that they were there. May run twice,
 * also at once: never more devices are registered than the limit allows. The write bears the events of devices that are new or
 * refused: of refusals no more than {@link isRefusalToBeReported} allows, and the others cost no write.
 *
 * @returns what became of each
 * @throws {StoreUnavailableError | LeaseHeldError} for another attempt
 */
export async function registerDevices(
  { arrivals, ...job }: DeviceJob & { readonly arrivals: readonly ArrivingDevice[] },
  ports: DevicePorts,
): Promise<readonly RegisterDeviceResult[]> {
  const results = await underLease<readonly RegisterDeviceResult[]>(job, ports, async (held, store) => {
    if (held.isLate) return TOO_LATE;
    const { key, list } = held;
    const { terms } = key;
    const now = Math.floor(ports.clock.now() / 1_000);
    const before = devicesOf(list, terms);
    const admission = admitDevices(arrivals, { devices: before, refusals: list?.refusals ?? [] }, terms, now);
    const { devices, refusals, events, ends } = admission;
    if (devices !== before || events.length > 0) await store({ devices, refusals }, events);
    return ends.map((outcome) => ({ outcome }));
  });
  return "outcome" in results ? arrivals.map(() => results) : results;
}

export type ForgetDevicesResult =
  | typeof DONE
  | typeof NOT_FOUND
  /** The key has no such device. */
  | { readonly outcome: "unknown-device" }
  | typeof TOO_LATE;

/**
 * Takes one device of a key out of its list, or all of them. May run twice: the second time it finds what it did, and keeps
 * a device that came back meanwhile.
 *
 * @throws {StoreUnavailableError | LeaseHeldError} for another attempt
 */
export async function forgetDevices(
  { job, deviceId, ...rest }: DeviceJob & { readonly job: string; readonly deviceId: string | null },
  ports: DevicePorts,
): Promise<ForgetDevicesResult> {
  return underLease<ForgetDevicesResult>(rest, ports, async ({ key, list, isLate }, store) => {
    const now = ports.clock.now();
    if (hasForgotten(list, job, now)) return DONE;
    if (isLate) return TOO_LATE;
    const devices = devicesOf(list, key.terms);
    const left = deviceId === null ? [] : devices.filter(({ id }) => id !== deviceId);
    if (deviceId !== null && left.length === devices.length) return { outcome: "unknown-device" };
    const { jobs: changedBy, jobsAt: changedAt } = remember(jobsOf(list), job, now);
    await store({ devices: left, changedBy, changedAt });
    return DONE;
  });
}

/** Whether the write of a job has taken devices out of this list. @param now milliseconds since the epoch */
export function hasForgotten(list: DeviceList | null, job: string, now: number): boolean {
  return knowsWriteOf(jobsOf(list), job, now);
}

function jobsOf(list: DeviceList | null): RememberedJobs {
  const { changedBy = [], changedAt: jobsAt } = list ?? {};
  return { jobs: changedBy, ...(jobsAt !== undefined && { jobsAt }) };
}

type Store = (
  changed: Partial<Pick<DeviceList, "devices" | "changedBy" | "changedAt" | "refusals">>,
  born?: readonly UnnamedDeviceEvent[],
) => Promise<void>;

/** A key and its devices, as they are under the lease. */
interface HeldDevices {
  readonly key: KeyRecord;
  readonly list: DeviceList | null;
  /** Whether the deadline has passed: nothing is changed any more. */
  readonly isLate: boolean;
}

/** Runs a change under the lease of the key's devices, waiting for it until the deadline. */
async function underLease<R>(
  { keyId, deadline, owner }: DeviceJob,
  ports: DevicePorts,
  change: (held: HeldDevices, store: Store) => Promise<R | typeof TOO_LATE>,
): Promise<R | typeof NOT_FOUND | typeof TOO_LATE> {
  const isLate = () => ports.clock.now() > deadline;
  while (true) {
    try {
      return await ports.lease.holdDevices(keyId, async (lease) => {
        const [key, list] = await Promise.all([ports.keys.find(keyId), ports.devices.find(keyId)]);
        if (key === null || !isVisible(key) || !sees({ owner }, key)) return NOT_FOUND;
        const store: Store = (changed, born = []) => storeNext({ key, list, changed, born }, lease, ports);
        return change({ key, list, isLate: isLate() }, store);
      });
    } catch (error) {
      if (!(error instanceof LeaseHeldError) || isLate()) throw error;
    }
  }
}

interface NextList {
  readonly key: KeyRecord;
  readonly list: DeviceList | null;
  readonly changed: Parameters<Store>[0];
  readonly born: readonly UnnamedDeviceEvent[];
}

/** @throws {LeaseHeldError} when the lease ran out, or another holder came first */
async function storeNext(
  { key: { keyId, terms }, list, changed, born }: NextList,
  lease: HeldLease,
  { devices, hints }: DevicePorts,
): Promise<void> {
  // A worker that does not know resets writes terms without them: what was written under a later one still counts.
  const epoch = Math.max(terms.deviceEpoch, list?.epoch ?? 0);
  const before = list ?? { changedBy: [], refusals: [], outbox: [], version: 0 };
  const version = before.version + 1;
  const next = {
    keyId,
    epoch,
    version,
    fence: lease.fence,
    devices: devicesOf(list, terms),
    changedBy: before.changedBy,
    ...(list?.changedAt !== undefined && { changedAt: list.changedAt }),
    refusals: before.refusals,
    outbox: [...before.outbox, ...born.map((event) => namedDeviceEvent(keyId, version, event))],
  };
  const hint = born.length === 0 ? null : await hints.expect(devicesSubjectOf(keyId));
  lease.mustLast();
  const stands = await devices.put({ ...next, ...changed });
  hint?.ready();
  if (stands.fence !== lease.fence) throw new LeaseHeldError(`devices of key ${keyId}`);
}
