import type { EventType } from "@veil/events";
import type { Device, SeenDevice } from "./device.ts";

/** The events of a key's devices. */
export type DeviceEventType = Extract<EventType, `key.device_${string}`>;

/** A device as an event shows it. Moments in unix seconds; null for one that is not registered. */
export interface ReportedDevice extends SeenDevice {
  readonly firstSeenAt: number | null;
  readonly lastSeenAt: number | null;
}

/** Something that happened to a key's devices, kept in their list by the write with which it was made until it is logged. */
export interface DeviceEvent {
  /** Unique among all events for good. */
  readonly id: string;
  readonly type: DeviceEventType;
  /** Unix seconds. */
  readonly at: number;
  /** Of the request that the device came with. */
  readonly requestId: string;
  /** The revision that the key had. */
  readonly revision: number;
  readonly device: ReportedDevice;
}

/** An event before it is known in which version of the list it stands. */
export type UnnamedDeviceEvent = Omit<DeviceEvent, "id">;

const PREFIX = "devices:";
const VERBS = { "key.device_added": "added", "key.device_refused": "refused" } as const satisfies Record<
  DeviceEventType,
  string
>;
const EVENT_ID = new RegExp(`^\\d+-(?:${Object.values(VERBS).join("|")})-`);

/** Names the devices of a key where events are looked for. */
export function devicesSubjectOf(keyId: number): string {
  return `${PREFIX}${keyId}`;
}

/** Null for the subject of something else. */
export function keyIdOfDevicesSubject(subject: string): number | null {
  const digits = subject.startsWith(PREFIX) ? subject.slice(PREFIX.length) : "";
  return /^\d{1,15}$/.test(digits) ? Number(digits) : null;
}

/** Whether an event of a key is one of its devices, by its id. */
export function isDeviceEventId(id: string): boolean {
  return EVENT_ID.test(id);
}

/** Two versions of one number that say the same of a device, of which one stands, give it the same id. */
export function namedDeviceEvent(keyId: number, version: number, event: UnnamedDeviceEvent): DeviceEvent {
  return { id: `${keyId}-${VERBS[event.type]}-${version}-${event.device.id}`, ...event };
}

/** That a device is registered. */
export function deviceAdded(
  device: Device,
  { requestId, revision }: Pick<DeviceEvent, "requestId" | "revision">,
): UnnamedDeviceEvent {
  return { type: "key.device_added", at: device.firstSeenAt, requestId, revision, device };
}

/** That a device is refused. @param known as it is registered, where a lowered limit left it out */
export function deviceRefused(
  device: SeenDevice,
  known: Device | undefined,
  { at, requestId, revision }: Pick<DeviceEvent, "at" | "requestId" | "revision">,
): UnnamedDeviceEvent {
  const { firstSeenAt = null, lastSeenAt = null } = known ?? {};
  return { type: "key.device_refused", at, requestId, revision, device: { ...device, firstSeenAt, lastSeenAt } };
}
