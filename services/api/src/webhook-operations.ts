import { messages, type WebhookDeletedBody, type WebhookListBody, type WebhookTestedBody } from "@veil/http-contract";
import { firstState } from "@veil/webhooks";
import type { OperationTable } from "./http/endpoint-routes.ts";
import type { CallerPorts } from "./operation-ports.ts";
import { pageOf } from "./reply/page-of.ts";
import { ok } from "./reply/reply.ts";
import { createWebhook, deleteWebhook, testWebhook, updateWebhook } from "./webhooks/manage-webhooks.ts";
import { listWebhooks, readWebhook, shownWebhook, webhookBody } from "./webhooks/read-webhooks.ts";

type WebhookOperation =
  | "createWebhook"
  | "deleteWebhook"
  | "getWebhook"
  | "listWebhooks"
  | "testWebhook"
  | "updateWebhook";

/** The operations on who is sent events. */
export const webhookOperations: Pick<OperationTable<CallerPorts>, WebhookOperation> = {
  createWebhook: async ({ body }, scope, within) => {
    const { webhook, secret } = await createWebhook(body, scope, within);
    return { ...ok(webhookBody(webhook, firstState(webhook))), ...(secret !== null && { shownOnce: { secret } }) };
  },

  listWebhooks: async ({ query }, scope, within) => {
    const webhooks = await listWebhooks(scope, within);
    return ok({
      webhooks: [...pageOf(webhooks, query, ({ id }) => id)],
      total: webhooks.length,
    } satisfies WebhookListBody);
  },

  getWebhook: async ({ params }, scope, within) => ok(await readWebhook(params.id, scope, within)),

  updateWebhook: async ({ params, body }, scope, within) =>
    ok(await shownWebhook(await updateWebhook(params.id, body, scope, within), within)),

  deleteWebhook: async ({ params }, scope, within) => {
    await deleteWebhook(params.id, scope, within);
    return ok({ success: true, message: messages.webhookDeleted(params.id) } satisfies WebhookDeletedBody);
  },

  testWebhook: async ({ params }, scope, within) => {
    const { fault } = await testWebhook(params.id, scope, within);
    const message = fault ?? messages.webhookTested;
    return ok({ success: fault === null, message } satisfies WebhookTestedBody);
  },
};
