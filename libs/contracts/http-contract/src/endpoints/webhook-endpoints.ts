import { MOST_WEBHOOKS, MOST_WEBHOOKS_IN_ALL, MOST_WEBHOOKS_OF_OWNER } from "@veil/webhooks";
import type { Endpoint, ErrorCase } from "../endpoint.ts";
import { guarded, madeBefore, ofWrite, pagesOf, storeAway } from "../error-cases.ts";
import { messages } from "../messages.ts";
import {
  createWebhookSchema,
  newWebhookSchema,
  updateWebhookSchema,
  webhookDeletedSchema,
  webhookListSchema,
  webhookPageQuerySchema,
  webhookPathSchema,
  webhookSchema,
  webhookTestedSchema,
} from "../webhook-bodies.ts";

const exampleWebhook = {
  id: "wh_5f0c2f6f1d0e4b7a8c9d",
  url: "https://bot.example.com/veil",
  types: ["key.*", "node.down"],
  enabled: true,
  disabled_reason: null,
  created_at: 1703520000,
  last_delivered_at: 1703606400,
  failing_since: null,
  last_error: null,
} as const;

const badField: ErrorCase = {
  status: 400,
  name: "field",
  description: "A field is missing, has a wrong type or an impossible value.",
  detail: messages.webhookUrl,
};

const privateTarget: ErrorCase = {
  status: 400,
  name: "private",
  description: "The `url` names a private or loopback address.",
  detail: "url must name a public address: private and loopback ones are refused here",
};

const tooMany: ErrorCase = {
  status: 409,
  name: "too-many",
  description: `There are ${MOST_WEBHOOKS} webhooks already; of a token with an owner, ${MOST_WEBHOOKS_OF_OWNER} of that owner; or ${MOST_WEBHOOKS_IN_ALL} of all owners.`,
  detail: messages.tooManyWebhooks(MOST_WEBHOOKS),
};

const notConfigured: ErrorCase = {
  status: 500,
  name: "no-sealing-key",
  description: "The server's settings lack `WEBHOOK_SECRET_KEY`, with which secrets are stored.",
  detail: messages.webhooksNotConfigured,
};

const notFound: ErrorCase = {
  status: 404,
  name: "webhook-not-found",
  description: "There is no such webhook.",
  detail: messages.webhookNotFound("wh_00000000000000000000"),
};

const AS_SIGNED =
  "Each event is sent by POST as one JSON object, signed as [Standard Webhooks](https://www.standardwebhooks.com) says: " +
  "headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.";
const DELIVERY =
  "A receiver answers 2xx within 10 seconds; redirects are not followed. Events are sent at least once and, of one key, in " +
  "order; what was not taken is sent again after 1, 2, 4 … seconds, at most an hour apart, for 24 hours. A receiver that " +
  "takes nothing for three days is switched off.";

export const webhookEndpoints = {
  createWebhook: {
    method: "post",
    path: "/api/webhooks",
    tag: "Webhooks",
    summary: "Create a webhook",
    description:
      `It gets the events from now on, those that its maker sees. ${AS_SIGNED} ${DELIVERY} The answer alone has the \`secret\`. ` +
      "`Prefer: respond-async` is ignored.",
    auth: "bearer",
    scope: "webhooks:write",
    body: {
      required: true,
      schema: createWebhookSchema,
      description: "The webhook.",
      examples: {
        keys: { summary: "All events of keys", value: { url: "https://bot.example.com/veil", types: ["key.*"] } },
      },
    },
    success: {
      description: "The new webhook.",
      contentType: "application/json",
      schema: newWebhookSchema,
      example: {
        ...exampleWebhook,
        last_delivered_at: null,
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
      },
    },
    errors: ofWrite("create webhook", [
      badField,
      privateTarget,
      tooMany,
      madeBefore("webhook", exampleWebhook.id),
      notConfigured,
    ]),
  },
  listWebhooks: {
    method: "get",
    path: "/api/webhooks",
    tag: "Webhooks",
    summary: "List all webhooks",
    description:
      "The oldest first; with `limit` or `after` one page of them, by id. A token with an owner sees those of the same owner.",
    auth: "bearer",
    scope: "webhooks:read",
    query: webhookPageQuerySchema,
    success: {
      description: "The webhooks and their number.",
      contentType: "application/json",
      schema: webhookListSchema,
      example: { webhooks: [exampleWebhook], total: 1 },
    },
    errors: [...guarded, ...pagesOf(webhookPageQuerySchema), storeAway],
  },
  getWebhook: {
    method: "get",
    path: "/api/webhooks/{id}",
    tag: "Webhooks",
    summary: "Get a webhook",
    description: "With what came of its deliveries.",
    auth: "bearer",
    scope: "webhooks:read",
    params: webhookPathSchema,
    success: {
      description: "The webhook.",
      contentType: "application/json",
      schema: webhookSchema,
      example: exampleWebhook,
    },
    errors: [...guarded, notFound, storeAway],
  },
  updateWebhook: {
    method: "patch",
    path: "/api/webhooks/{id}",
    tag: "Webhooks",
    summary: "Change a webhook",
    description:
      "A JSON merge patch (RFC 7396): what is left out stays, and so does the secret. `enabled: true` switches on one that " +
      "was switched off: what it missed is sent then, as far as it is kept.",
    auth: "bearer",
    scope: "webhooks:write",
    params: webhookPathSchema,
    body: {
      schema: updateWebhookSchema,
      description: "What is to be different.",
      examples: { on: { summary: "Switch it on", value: { enabled: true } } },
    },
    success: {
      description: "The webhook as it is now.",
      contentType: "application/json",
      schema: webhookSchema,
      example: exampleWebhook,
    },
    errors: ofWrite("change webhook", [badField, privateTarget, notFound]),
  },
  deleteWebhook: {
    method: "delete",
    path: "/api/webhooks/{id}",
    tag: "Webhooks",
    summary: "Delete a webhook",
    description: "A delivery that is under way may still arrive; no other one is begun.",
    auth: "bearer",
    scope: "webhooks:write",
    params: webhookPathSchema,
    success: {
      description: "The webhook is deleted.",
      contentType: "application/json",
      schema: webhookDeletedSchema,
      example: { success: true, message: messages.webhookDeleted("wh_5f0c2f6f1d0e4b7a8c9d") },
    },
    errors: ofWrite("delete webhook", [notFound]),
  },
  testWebhook: {
    method: "post",
    path: "/api/webhooks/{id}/test",
    tag: "Webhooks",
    summary: "Send a test event",
    description:
      "Sends an event of the type `webhook.test` once, whatever the webhook's `types` are and whether it is enabled, and " +
      "answers what came of it. The receiver has 5 seconds.",
    auth: "bearer",
    scope: "webhooks:write",
    params: webhookPathSchema,
    success: {
      description: "It was sent; `success` says whether the receiver took it.",
      contentType: "application/json",
      schema: webhookTestedSchema,
      example: { success: false, message: "The receiver answered 500" },
    },
    errors: ofWrite("test webhook", [notFound]),
  },
} as const satisfies Record<string, Endpoint>;
