import type { Endpoint } from "../endpoint.ts";
import { guarded, ofOneKey, ofWrites, pagesOf, refreshed, storeAway, withBody, writeFailed } from "../error-cases.ts";
import { keyPathSchema } from "../key-id.ts";
import { messages } from "../messages.ts";
import { pageQuerySchema, refreshQuerySchema } from "../queries.ts";
import { trafficListSchema, trafficResetSchema, trafficSchema, trafficSyncedSchema } from "../traffic-bodies.ts";

const exampleTraffic = {
  key_id: 1,
  upload: 1024000,
  download: 2048000,
  total: 3072000,
  last_updated: 1703520000,
} as const;

export const trafficEndpoints = {
  listTraffic: {
    method: "get",
    path: "/api/traffic",
    tag: "Traffic",
    summary: "Read the traffic of all keys",
    description:
      "The stored figures of all keys in ascending order of `key_id`, or of a page of them, as `GET /api/keys` pages. " +
      "Xray is not asked: the figures are at most one sync older than those of a single key.",
    auth: "bearer",
    scope: "traffic:read",
    query: pageQuerySchema,
    success: {
      description: "The figures, and the number of all keys.",
      contentType: "application/json",
      schema: trafficListSchema,
      example: { traffic: [exampleTraffic], total: 1 },
    },
    errors: [...guarded, ...pagesOf(pageQuerySchema), storeAway],
  },
  getKeyTraffic: {
    method: "get",
    path: "/api/keys/{key_id}/traffic",
    tag: "Traffic",
    summary: "Read the traffic of a key",
    description:
      "Reads the key's counters from Xray first. If Xray can't be reached, the stored figures are answered " +
      "with their own `last_updated`. With `refresh=false` Xray is not asked: many times faster, and at most one sync old.",
    auth: "bearer",
    scope: "traffic:read",
    params: keyPathSchema,
    query: refreshQuerySchema,
    success: {
      description:
        "The bytes since the key was made or last reset, on all its nodes, each as its node's `multiplier` had it count when it was read.",
      contentType: "application/json",
      schema: trafficSchema,
      example: exampleTraffic,
    },
    errors: [...guarded, ...ofOneKey, ...refreshed, storeAway],
  },
  resetKeyTraffic: {
    method: "post",
    path: "/api/keys/{key_id}/traffic/reset",
    tag: "Traffic",
    summary: "Reset the traffic of a key",
    description:
      "Answers the figures up to this moment and counts from zero afterwards. Every node is read for that, whatever its groups: " +
      "while one can't be read it is 500, and nothing is reset. A `PATCH` with `reset_traffic` waits for no node.",
    auth: "bearer",
    scope: "keys:write",
    params: keyPathSchema,
    success: {
      description: "The figures before the reset.",
      contentType: "application/json",
      schema: trafficResetSchema,
      example: {
        success: true,
        message: messages.trafficReset(1),
        key_id: 1,
        previous_upload: 1024000,
        previous_download: 2048000,
        previous_total: 3072000,
      },
    },
    errors: [...guarded, ...ofWrites, ...ofOneKey, ...withBody, storeAway, writeFailed("reset traffic", "timed out")],
  },
  syncTraffic: {
    method: "post",
    path: "/api/traffic/sync",
    tag: "Traffic",
    summary: "Read the traffic of all keys from Xray",
    description:
      "Covers active keys only, and counts those that the caller sees. An error on one key does not stop the others. While a node " +
      "can't be read, which may hold bytes of any key, every key counts as an error; what the other nodes gave is stored all the same.",
    auth: "bearer",
    scope: "traffic:read",
    success: {
      description: "How many keys were read.",
      contentType: "application/json",
      schema: trafficSyncedSchema,
      example: { success: true, message: messages.trafficSynced(10, 0), updated: 10, errors: 0 },
    },
    errors: [...guarded, ...ofWrites, ...withBody, writeFailed("sync traffic", "timed out")],
  },
} as const satisfies Record<string, Endpoint>;
