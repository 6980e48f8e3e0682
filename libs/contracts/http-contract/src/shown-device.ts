import type { Device, ReportedDevice } from "@veil/keys";
import type { DeviceBody, EventDeviceBody } from "./device-bodies.ts";

/**
 * A device as callers see it.
 *
 * @param isAllowed whether it gets the connections
 */
export function shownDevice(device: Device, isAllowed: boolean): DeviceBody;
export function shownDevice(device: ReportedDevice, isAllowed: boolean): EventDeviceBody;
export function shownDevice(device: ReportedDevice, isAllowed: boolean): EventDeviceBody {
  const { id, os, osVersion: os_version, model, userAgent: user_agent } = device;
  const { firstSeenAt: first_seen_at, lastSeenAt: last_seen_at } = device;
  return { id, os, os_version, model, user_agent, first_seen_at, last_seen_at, is_allowed: isAllowed };
}
