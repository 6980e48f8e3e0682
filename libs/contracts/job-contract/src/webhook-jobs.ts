import type { NewWebhook, Webhook, WebhookChange } from "@veil/webhooks";
import { z } from "zod";
import { notApplied } from "./not-applied.ts";
import { deadline, requestId } from "./payload-fields.ts";

const LONGEST_TEXT = 4_096;

/** A new webhook. Redis holds its secret sealed only: neither a job nor a result holds what a caller could use. */
const newWire = z.object({
  id: z.string(),
  url: z.string().max(LONGEST_TEXT),
  types: z.array(z.string().max(256)),
  owner: z.string().nullable(),
  sealed_secret: z.string().max(LONGEST_TEXT),
  /** Unix seconds. */
  created_at: z.number().int(),
});

const storedWire = newWire.extend({
  enabled: z.boolean(),
  disabled_reason: z.string().nullable(),
  enabled_at: z.number().int(),
  from_seq: z.number().int(),
  revision: z.number().int(),
  jobs: z.array(z.string()),
});

function madeOf(wire: Readonly<z.output<typeof newWire>>): NewWebhook {
  const { id, url, types, owner, sealed_secret: sealedSecret, created_at: createdAt } = wire;
  return { id, url, types, owner, sealedSecret, createdAt };
}

function wireOf({ id, url, types, owner, sealedSecret, createdAt }: NewWebhook) {
  return { id, url, types: [...types], owner, sealed_secret: sealedSecret, created_at: createdAt };
}

const newWebhook = z.codec(newWire, z.custom<NewWebhook>(), { decode: madeOf, encode: wireOf });

const storedWebhook = z.codec(storedWire, z.custom<Webhook>(), {
  decode: (wire) => ({
    ...madeOf(wire),
    enabled: wire.enabled,
    disabledReason: wire.disabled_reason,
    enabledAt: wire.enabled_at,
    fromSeq: wire.from_seq,
    revision: wire.revision,
    jobs: wire.jobs,
  }),
  encode: (webhook) => ({
    ...wireOf(webhook),
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    enabled_at: webhook.enabledAt,
    from_seq: webhook.fromSeq,
    revision: webhook.revision,
    jobs: [...webhook.jobs],
  }),
});

const changeWire = z.object({
  url: newWire.shape.url.exactOptional(),
  types: newWire.shape.types.exactOptional(),
  enabled: z.boolean().exactOptional(),
});

const webhookChange = z.codec(changeWire, z.custom<WebhookChange>(), {
  decode: (wire) => wire,
  encode: ({ types, ...rest }) => ({ ...rest, ...(types !== undefined && { types: [...types] }) }),
});

const notFound = z.object({ outcome: z.literal("not-found") });
const ofRequest = { deadline, request_id: requestId } as const;
const ofOneWebhook = { webhook_id: z.string(), owner: z.string().nullable(), ...ofRequest } as const;

/** The jobs that change webhooks, and those that deliver events to them. New in 1.5. */
export const webhookJobs = {
  "create-webhook": {
    queue: "veil-keys",
    payload: z.object({ webhook: newWebhook, ...ofRequest }),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("created"), webhook: storedWebhook }),
      /** There are as many as there may be, of all or of its owner. */
      z.object({ outcome: z.literal("too-many"), most: z.number().int() }),
      z.object({ outcome: z.literal("taken"), detail: z.string() }),
      ...notApplied,
    ]),
    attempts: 12,
  },
  "change-webhook": {
    queue: "veil-keys",
    payload: z.object({ ...ofOneWebhook, change: webhookChange }),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("changed"), webhook: storedWebhook }),
      notFound,
      ...notApplied,
    ]),
    attempts: 12,
  },
  "delete-webhook": {
    queue: "veil-keys",
    payload: z.object(ofOneWebhook),
    result: z.discriminatedUnion("outcome", [z.object({ outcome: z.literal("deleted") }), notFound, ...notApplied]),
    attempts: 12,
  },
  /** Sends an event that says nothing, so that whoever runs the receiver sees one. */
  "test-webhook": {
    queue: "veil-webhooks",
    payload: z.object(ofOneWebhook),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("delivered") }),
      z.object({ outcome: z.literal("refused"), detail: z.string() }),
      notFound,
      ...notApplied,
    ]),
    attempts: 1,
  },
  /**
   * Delivers due events to one webhook; at most one such job of it is there, under its id. MongoDB holds the events to
   * deliver, and every worker looks every second whose job is missing, so that the job itself need not be kept.
   */
  "deliver-events": {
    queue: "veil-webhooks",
    payload: z.object({ webhook_id: z.string() }),
    result: z.object({ outcome: z.enum(["idle", "more", "outdated", "dead", "off", "unavailable"]) }),
    attempts: 1,
    keeps: "nothing",
  },
  /**
   * Delivers one event that was tried for a day in vain. When its receiver fails once more, it waits among the failed jobs to be
   * repeated; the attempts are for a worker that stops meanwhile, and for a store that is away.
   */
  "repeat-delivery": {
    queue: "veil-webhooks",
    payload: z.object({ webhook_id: z.string(), seq: z.number().int(), event_id: z.string() }),
    result: z.object({ outcome: z.enum(["delivered", "gone"]) }),
    attempts: 12,
  },
} as const;
