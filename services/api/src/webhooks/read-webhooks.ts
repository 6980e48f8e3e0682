import type { WebhookBody } from "@veil/http-contract";
import { sees, StoreUnavailableError } from "@veil/keys";
import { type DeliveryState, firstState, type Webhook, type WebhookReader } from "@veil/webhooks";
import { WebhookNotFoundError } from "../errors.ts";
import { type RequestScope, viewerOf } from "../ports.ts";

export interface ReadWebhooksPorts {
  readonly webhooks: WebhookReader;
}

/** Whether a webhook is there for the caller: all are, or those of its owner. */
export function seesWebhook(scope: RequestScope, webhook: Pick<Webhook, "owner">): boolean {
  return sees(viewerOf(scope), webhook);
}

/** The webhooks that the caller sees: all, or those of its owner. */
export async function listWebhooks(scope: RequestScope, ports: ReadWebhooksPorts): Promise<WebhookBody[]> {
  const all = await ports.webhooks.list();
  return withDeliveries(
    all.filter((webhook) => seesWebhook(scope, webhook)),
    ports,
  );
}

/** @throws {WebhookNotFoundError} when the caller sees none of this id */
export async function readWebhook(id: string, scope: RequestScope, ports: ReadWebhooksPorts): Promise<WebhookBody> {
  const webhook = await ports.webhooks.find(id);
  if (webhook === null || !seesWebhook(scope, webhook)) throw new WebhookNotFoundError(id);
  const [body] = await withDeliveries([webhook], ports);
  return body ?? webhookBody(webhook, firstState(webhook));
}

/** A webhook with what came of its deliveries, as callers see it; without that when the store is away by now. */
export async function shownWebhook(webhook: Webhook, ports: ReadWebhooksPorts): Promise<WebhookBody> {
  try {
    const [body] = await withDeliveries([webhook], ports);
    if (body !== undefined) return body;
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
  }
  return webhookBody(webhook, firstState(webhook));
}

async function withDeliveries(webhooks: readonly Webhook[], ports: ReadWebhooksPorts): Promise<WebhookBody[]> {
  if (webhooks.length === 0) return [];
  const states = new Map((await ports.webhooks.deliveries()).map((state) => [state.webhookId, state]));
  return webhooks.map((webhook) => webhookBody(webhook, states.get(webhook.id) ?? firstState(webhook)));
}

/** A webhook as callers see it. @param state how far its deliveries are */
export function webhookBody(
  webhook: Webhook,
  state: Pick<DeliveryState, "lastDeliveredAt" | "failingSince" | "lastError">,
): WebhookBody {
  return {
    id: webhook.id,
    url: webhook.url,
    types: [...webhook.types],
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    created_at: webhook.createdAt,
    last_delivered_at: seconds(state.lastDeliveredAt),
    failing_since: seconds(state.failingSince),
    last_error: state.lastError,
  };
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.floor(ms / 1_000);
}
