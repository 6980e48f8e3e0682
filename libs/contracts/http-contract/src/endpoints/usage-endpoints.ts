import type { Endpoint } from "../endpoint.ts";
import { guarded, ofOneKey, storeAway, unknownParameter } from "../error-cases.ts";
import { keyPathSchema } from "../key-id.ts";
import { statsSchema, usageQuerySchema, usageSchema } from "../usage-bodies.ts";

const exampleUsage = [
  { at: 1703376000, upload: 0, download: 0 },
  { at: 1703462400, upload: 1024000, download: 2048000 },
];

export const usageEndpoints = {
  getKeyUsage: {
    method: "get",
    path: "/api/keys/{key_id}/usage",
    tag: "Traffic",
    summary: "Read what a key moved in each hour or day",
    description:
      "From the stored figures, at most one sync old; every byte is in exactly one hour and day. Hours are kept for 7 days, " +
      "days for `USAGE_DAYS`. Bytes are as their node's `multiplier` had them count then. What lies before the key was made, or after now, is left out.",
    auth: "bearer",
    scope: "traffic:read",
    params: keyPathSchema,
    query: usageQuerySchema,
    success: {
      description: "The bytes of each hour or day.",
      contentType: "application/json",
      schema: usageSchema,
      example: { key_id: 1, step: "day", usage: exampleUsage },
    },
    errors: [
      ...guarded,
      ...ofOneKey,
      {
        status: 400,
        name: "range",
        description: "`from`, `to` or `step` has an impossible value.",
        detail: "from must be a whole number of unix seconds",
      },
      unknownParameter("period", usageQuerySchema),
      storeAway,
    ],
  },
  getStats: {
    method: "get",
    path: "/api/stats",
    tag: "Traffic",
    summary: "Read the figures of the whole system",
    description:
      "Keys by status and group, and what all of them moved, as nodes carried it: at most ten seconds old, however often it is asked. To a token " +
      "with an owner that one's keys are all there are; bytes are as nodes' multipliers had them count then, and those of keys that were " +
      "deleted are not among them.",
    auth: "bearer",
    scope: "traffic:read",
    success: {
      description: "The figures.",
      contentType: "application/json",
      schema: statsSchema,
      example: {
        keys: { total: 12, active: 7, on_hold: 1, limited: 1, expired: 2, disabled: 1 },
        online: 3,
        traffic: exampleUsage,
        groups: [{ name: "default", keys: 12 }],
      },
    },
    errors: [...guarded, storeAway],
  },
} as const satisfies Record<string, Endpoint>;
