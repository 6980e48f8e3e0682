import type { KeyTerms } from "../terms/key-terms.ts";
import type { Device, SeenDevice } from "./device.ts";
import { deviceAdded, deviceRefused, type UnnamedDeviceEvent } from "./device-events.ts";
import { isRefusalToBeReported, recentRefusals, type Refusal, standingOf, withDevice } from "./device-list.ts";

/** A device that came with a request. */
export interface ArrivingDevice {
  readonly device: SeenDevice;
  readonly requestId: string;
}

/** The lists to store, and the events to report, after some devices came. */
export interface Admission {
  readonly devices: readonly Device[];
  readonly refusals: readonly Refusal[];
  readonly events: readonly UnnamedDeviceEvent[];
  /** The outcome of each arrival. */
  readonly ends: readonly ("registered" | "refused" | "uncounted")[];
}

/**
 * Lets devices into a list in their order, as far as there is room.
 *
 * @param list those that are registered, and refusals that were reported
 * @param now unix seconds
 */
export function admitDevices(
  arrivals: readonly ArrivingDevice[],
  list: Pick<Admission, "devices" | "refusals">,
  terms: Pick<KeyTerms, "deviceLimit" | "revision">,
  now: number,
): Admission {
  let devices = list.devices;
  let refusals = recentRefusals(list.refusals, now);
  const events: UnnamedDeviceEvent[] = [];
  const { revision } = terms;
  const ends = arrivals.map(({ device, requestId }) => {
    const standing = standingOf(device.id, devices, terms, now);
    if (standing === "uncounted") return "uncounted";
    if (standing === "refused" || standing === "unwelcome") {
      if (!isRefusalToBeReported(device.id, refusals, now)) return "refused";
      refusals = [...refusals, { id: device.id, at: now }];
      const known = devices.find(({ id }) => id === device.id);
      events.push(deviceRefused(device, known, { at: now, requestId, revision }));
      return "refused";
    }
    devices = withDevice(device, devices, terms, now) ?? devices;
    const added = standing === "new" ? devices.at(-1) : undefined;
    if (added !== undefined) events.push(deviceAdded(added, { requestId, revision }));
    return "registered";
  });
  return { devices, refusals, events, ends };
}
