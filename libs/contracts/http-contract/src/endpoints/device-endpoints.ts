import { deviceListSchema, devicePageQuerySchema, devicePathSchema, devicesDeletedSchema } from "../device-bodies.ts";
import type { Endpoint, ErrorCase } from "../endpoint.ts";
import {
  guarded,
  ofOneKey,
  ofWrites,
  pagesOf,
  storeAway,
  withBody,
  writeFailed,
  writeUnavailable,
} from "../error-cases.ts";
import { keyPathSchema } from "../key-id.ts";
import { messages } from "../messages.ts";

const exampleDevice = {
  id: "3f8a5d0c9b1e4a7f8c2d6e0b5a94f713",
  os: "iOS",
  os_version: "18.1",
  model: "iPhone 15 Pro",
  user_agent: "Happ/3.7.1",
  first_seen_at: 1703520000,
  last_seen_at: 1703606400,
  is_allowed: true,
} as const;

const ofDeletions: readonly ErrorCase[] = [
  ...guarded,
  ...ofWrites,
  ...ofOneKey,
  ...withBody,
  writeFailed("delete devices", "timed out"),
  writeUnavailable("delete devices"),
];

const deviceNotFound: ErrorCase = {
  status: 404,
  name: "device-not-found",
  description: "The key has no such device.",
  detail: messages.deviceNotFound("00000000000000000000000000000000"),
};

export const deviceEndpoints = {
  listDevices: {
    method: "get",
    path: "/api/keys/{key_id}/devices",
    tag: "Devices",
    summary: "List the devices of a key",
    description:
      "Devices are registered by the header `x-hwid` that some apps send with a subscription request; apps that send none " +
      "are not listed. A key with a `device_limit` has at most so many, one without the 100 that were there last. In the order " +
      "in which they came; with `limit` or `after` one page of them, by id.",
    auth: "bearer",
    scope: "keys:read",
    params: keyPathSchema,
    query: devicePageQuerySchema,
    success: {
      description: "The devices and their number.",
      contentType: "application/json",
      schema: deviceListSchema,
      example: { devices: [exampleDevice], total: 1 },
    },
    errors: [...guarded, ...ofOneKey, ...pagesOf(devicePageQuerySchema), storeAway],
  },
  deleteDevice: {
    method: "delete",
    path: "/api/keys/{key_id}/devices/{id}",
    tag: "Devices",
    summary: "Delete a device of a key",
    description:
      "Makes room for another one. The device is registered anew when it fetches the subscription again and there is room: " +
      "to keep it out, replace the link with `POST /api/keys/{key_id}/revoke`.",
    auth: "bearer",
    scope: "keys:write",
    params: devicePathSchema,
    success: {
      description: "The device is deleted.",
      contentType: "application/json",
      schema: devicesDeletedSchema,
      example: { success: true, message: messages.deviceDeleted(exampleDevice.id) },
    },
    errors: [...ofDeletions, deviceNotFound],
  },
  deleteDevices: {
    method: "delete",
    path: "/api/keys/{key_id}/devices",
    tag: "Devices",
    summary: "Delete all devices of a key",
    description:
      "Also when there are none. To do so together with other changes of the key, send `reset_devices` with " +
      "`PATCH /api/keys/{key_id}`.",
    auth: "bearer",
    scope: "keys:write",
    params: keyPathSchema,
    success: {
      description: "The key has no devices.",
      contentType: "application/json",
      schema: devicesDeletedSchema,
      example: { success: true, message: messages.devicesDeleted(1) },
    },
    errors: ofDeletions,
  },
} as const satisfies Record<string, Endpoint>;
