import {
  type DeliverySummary,
  type DeliveryState,
  summaryOf,
  type Webhook,
  type WebhookOff,
  webhookOffId,
} from "@veil/webhooks";
import { z } from "zod";
import { rememberedJobs, toRememberedJobs, toStoredJobs } from "./remembered-jobs-codec.ts";

/** A webhook. `_id` is its id. Fields that only newer versions know stay as they are. */
export const webhookDocument = z.object({
  _id: z.string(),
  url: z.string(),
  types: z.array(z.string()),
  owner: z.string().nullable().default(null),
  sealed_secret: z.string(),
  enabled: z.boolean(),
  disabled_reason: z.string().nullable().default(null),
  /** Milliseconds since the epoch. */
  enabled_at: z.number(),
  from_seq: z.number(),
  /** Unix seconds. */
  created_at: z.number(),
  revision: z.number(),
  ...rememberedJobs,
  /** That it was switched off by itself, until that is logged; `revision` is what it had from then on. */
  switched_off: z.object({ at: z.number(), reason: z.string(), revision: z.number(), url: z.string() }).exactOptional(),
  /** It is deleted, and only what is to be logged is left. */
  removed: z.literal(true).exactOptional(),
});
export type WebhookDocument = Readonly<z.infer<typeof webhookDocument>>;

const laneDocument = z.object({
  subject: z.string(),
  seqs: z.array(z.number()),
  attempts: z.number(),
  since: z.number().nullable(),
  next_at: z.number(),
  at: z.number(),
});

/** How far a webhook's deliveries are. `_id` is its id; times are milliseconds since the epoch. */
export const deliveryDocument = z.object({
  _id: z.string(),
  cursor: z.number(),
  lanes: z.array(laneDocument),
  /** Missing in what versions before kept, which is looked through once: no revision is 0. */
  webhook_revision: z.number().default(0),
  failing_since: z.number().nullable(),
  failures: z.number(),
  paused_until: z.number(),
  last_delivered_at: z.number().nullable(),
  last_error: z.string().nullable(),
  last_ours: z.boolean().default(false),
  slow: z.boolean().default(false),
  revision: z.number(),
  /** What lies in the lanes, as of this revision: a version that does not know of it changes the lanes alone. */
  summary: z
    .object({
      revision: z.number(),
      waiting: z.number(),
      next_at: z.number().nullable(),
      oldest_at: z.number().nullable(),
    })
    .exactOptional(),
});
export type DeliveryDocument = Readonly<z.infer<typeof deliveryDocument>>;

export function toWebhook(document: WebhookDocument): Webhook {
  return {
    id: document._id,
    url: document.url,
    types: document.types,
    owner: document.owner,
    sealedSecret: document.sealed_secret,
    enabled: document.enabled,
    disabledReason: document.disabled_reason,
    enabledAt: document.enabled_at,
    fromSeq: document.from_seq,
    createdAt: document.created_at,
    revision: document.revision,
    ...toRememberedJobs(document),
  };
}

export function toWebhookDocument(webhook: Webhook): WebhookDocument {
  return {
    _id: webhook.id,
    url: webhook.url,
    types: [...webhook.types],
    owner: webhook.owner,
    sealed_secret: webhook.sealedSecret,
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    enabled_at: webhook.enabledAt,
    from_seq: webhook.fromSeq,
    created_at: webhook.createdAt,
    revision: webhook.revision,
    ...toStoredJobs(webhook),
  };
}

/** Null when nothing is to be reported of it. */
export function toWebhookOff({ _id: id, owner, switched_off: off }: WebhookDocument): WebhookOff | null {
  if (off === undefined) return null;
  const { at, reason, revision, url } = off;
  return { id: webhookOffId(id, revision), at, reason, webhook: { id, url, owner } };
}

export function toDelivery(document: DeliveryDocument): DeliveryState {
  return {
    webhookId: document._id,
    cursor: document.cursor,
    lanes: document.lanes.map(({ next_at: nextAt, ...lane }) => ({ ...lane, nextAt })),
    webhookRevision: document.webhook_revision,
    failingSince: document.failing_since,
    failures: document.failures,
    pausedUntil: document.paused_until,
    lastDeliveredAt: document.last_delivered_at,
    lastError: document.last_error,
    isLastOurs: document.last_ours,
    isSlow: document.slow,
    revision: document.revision,
  };
}

/** {@link deliveryDocument} as far as a {@link DeliverySummary} needs it. */
export const summedUpDocument = deliveryDocument.omit({ lanes: true });
type SummedUpDocument = Readonly<z.infer<typeof summedUpDocument>>;

/** Null for a document whose summary is not of what it holds now. */
export function toSummary({ summary, ...document }: SummedUpDocument): DeliverySummary | null {
  if (summary?.revision !== document.revision) return null;
  const { lanes: _, ...state } = toDelivery({ ...document, lanes: [] });
  return { ...state, waiting: summary.waiting, nextAt: summary.next_at, oldestAt: summary.oldest_at };
}

export function toDeliveryDocument(state: DeliveryState): DeliveryDocument {
  const { waiting, nextAt: next_at, oldestAt: oldest_at } = summaryOf(state);
  return {
    _id: state.webhookId,
    cursor: state.cursor,
    lanes: state.lanes.map(({ nextAt, seqs, ...lane }) => ({ ...lane, seqs: [...seqs], next_at: nextAt })),
    webhook_revision: state.webhookRevision,
    failing_since: state.failingSince,
    failures: state.failures,
    paused_until: state.pausedUntil,
    last_delivered_at: state.lastDeliveredAt,
    last_error: state.lastError,
    last_ours: state.isLastOurs,
    slow: state.isSlow,
    revision: state.revision,
    summary: { revision: state.revision, waiting, next_at, oldest_at },
  };
}
