import type { Endpoint } from "../endpoint.ts";
import { guarded, ofOneKey, storeAway } from "../error-cases.ts";
import { keyPathSchema } from "../key-id.ts";
import { keyOnlineSchema, onlineSchema } from "../online-bodies.ts";

const WHERE_IT_IS_FROM =
  "The nodes are asked, through the collector; connections from a node's own loopback don't count. A node that does not " +
  "answer in time, or whose policy lacks `statsUserOnline`, has `null` and says so in its `detail`: `online` then follows from " +
  "the bytes that were counted.";

export const onlineEndpoints = {
  getKeyOnline: {
    method: "get",
    path: "/api/keys/{key_id}/online",
    tag: "Devices",
    summary: "See from where a key is connected",
    description: WHERE_IT_IS_FROM,
    auth: "bearer",
    scope: "traffic:read",
    params: keyPathSchema,
    success: {
      description: "The addresses, by node.",
      contentType: "application/json",
      schema: keyOnlineSchema,
      example: {
        key_id: 1,
        online: true,
        addresses: ["203.0.113.7"],
        online_at: 1703521000,
        nodes: [
          { name: "main", online: true, addresses: ["203.0.113.7"], detail: null },
          { name: "de-1", online: null, addresses: null, detail: "the node did not answer" },
        ],
      },
    },
    errors: [...guarded, ...ofOneKey, storeAway],
  },
  getOnline: {
    method: "get",
    path: "/api/online",
    tag: "Devices",
    summary: "See how many keys are connected",
    description: `${WHERE_IT_IS_FROM} At most two seconds old, however often it is asked.`,
    auth: "bearer",
    scope: "traffic:read",
    success: {
      description: "The number of keys, in all and by node.",
      contentType: "application/json",
      schema: onlineSchema,
      example: {
        online: 3,
        nodes: [
          { name: "main", online: 3, detail: null },
          { name: "de-1", online: null, detail: "the node did not answer" },
        ],
      },
    },
    errors: [...guarded, storeAway],
  },
} as const satisfies Record<string, Endpoint>;
