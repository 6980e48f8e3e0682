import type { Endpoint } from "../endpoint.ts";
import { guarded, storeAway, unknownParameter } from "../error-cases.ts";
import { eventListSchema, eventMessages, eventQuerySchema } from "../event-bodies.ts";
import { exampleKey } from "./example-key.ts";

const { uuid: _uuid, subscription_url: _url, ...shown } = exampleKey;

const exampleEvent = {
  id: "1-2-h2k9x0-1",
  seq: 42,
  type: "key.updated",
  at: 1703520100,
  actor: { name: "shop", address: "203.0.113.7", request_id: "0b7c1f0e-5f0a-4f0e-9a63-0c8f5f6d2a11" },
  data: { key: { ...shown, revision: 2 }, before: { note: "trial", revision: 1 } },
} as const;

export const eventEndpoints = {
  listEvents: {
    method: "get",
    path: "/api/events",
    tag: "Events",
    summary: "Read what happened",
    description:
      "Every change of a key, once, with who made it, and which tokens came and went and which nodes were lost, came back or " +
      "were drained: the feed for bots, and the audit log. Other changes of tokens, nodes, hosts and webhooks are in the API's " +
      "log alone. Events are kept for `EVENTS_DAYS` (30). Ask again with the last `seq` as `after`; or have them streamed, " +
      "with `Accept: text/event-stream`: one event in each `data`, its `seq` as `id`, which comes back as `Last-Event-ID`. " +
      "A token with an owner reads what happened to that one's keys and tokens.",
    auth: "bearer",
    scope: "events:read",
    query: eventQuerySchema,
    success: {
      description: "The events, the oldest first.",
      contentType: "application/json",
      schema: eventListSchema,
      example: { events: [exampleEvent] },
    },
    errors: [
      ...guarded,
      {
        status: 400,
        name: "parameter",
        description: "A parameter has an impossible value.",
        detail: eventMessages.limit,
      },
      unknownParameter("since", eventQuerySchema),
      storeAway,
    ],
  },
} as const satisfies Record<string, Endpoint>;
