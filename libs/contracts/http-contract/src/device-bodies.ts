import type { Device, ReportedDevice } from "@veil/keys";
import { z } from "zod";
import { keyPathSchema } from "./key-id.ts";
import { namedSchemas } from "./named-schemas.ts";
import { idPageQuery } from "./queries.ts";

const moment = z.int().meta({ format: "int64" });

function label(description: string, example: string) {
  return z.string().nullable().meta({ description, example });
}

/** A device as it is shown. */
const deviceSchema = z
  .strictObject({
    id: z.string().meta({
      description:
        "Made from what the app calls the device, which is not kept; another one for the same device at another key.",
      example: "3f8a5d0c9b1e4a7f8c2d6e0b5a94f713",
    }),
    os: label("The app's `x-device-os`.", "iOS"),
    os_version: label("The app's `x-ver-os`.", "18.1"),
    model: label("The app's `x-device-model`.", "iPhone 15 Pro"),
    user_agent: label("Which app it was when this was last noted.", "Happ/3.7.1"),
    first_seen_at: moment.meta({ description: "When it was registered. Unix seconds.", example: 1703520000 }),
    last_seen_at: moment.meta({
      description: "When it last fetched the subscription, noted once an hour. Unix seconds.",
      example: 1703606400,
    }),
    is_allowed: z.boolean().meta({
      description:
        "Whether it gets the connections: under a `device_limit` that was lowered the devices that came first do.",
      example: true,
    }),
  })
  .meta({ description: "A device that fetched the key's subscription." })
  .register(namedSchemas, { id: "Device" });

export type DeviceBody = z.infer<typeof deviceSchema>;

/** A device as events show it: as it is listed, or would be. */
export const eventDeviceSchema = deviceSchema
  .extend({
    first_seen_at: moment
      .nullable()
      .meta({ description: "When it was registered; null where it is not. Unix seconds.", example: 1703520000 }),
    last_seen_at: moment.nullable().meta({
      description: "When it last fetched the subscription; null where it never did. Unix seconds.",
      example: 1703520000,
    }),
    is_allowed: z.boolean().meta({ description: "Whether it gets the connections.", example: true }),
  })
  .meta({ description: "The device that came with a subscription request." })
  .register(namedSchemas, { id: "EventDevice" });

export type EventDeviceBody = z.infer<typeof eventDeviceSchema>;

export const deviceListSchema = z
  .strictObject({
    devices: z.array(deviceSchema).meta({ description: "In the order in which they came." }),
    total: z.int().min(0).meta({ description: "How many there are.", example: 1 }),
  })
  .register(namedSchemas, { id: "DeviceList" });

export type DeviceListBody = z.infer<typeof deviceListSchema>;

/** Selects a page of a key's devices. */
export const devicePageQuerySchema = idPageQuery("device");

export const devicePathSchema = keyPathSchema.extend({
  id: z.string().meta({ description: "The device's `id`.", example: "3f8a5d0c9b1e4a7f8c2d6e0b5a94f713" }),
});

export const devicesDeletedSchema = z
  .strictObject({
    success: z.literal(true),
    message: z.string().meta({ example: "All devices of key 1 deleted successfully" }),
  })
  .register(namedSchemas, { id: "DevicesDeleted" });

export type DevicesDeletedBody = z.infer<typeof devicesDeletedSchema>;

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
