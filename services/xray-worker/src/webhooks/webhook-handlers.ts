import { randomUUID } from "node:crypto";
import type { EventHints } from "@veil/events";
import { TOO_LATE } from "@veil/job-contract";
import { type JobHandlers, PermanentJobError } from "@veil/job-queue";
import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import type { Logger, SharedClock } from "@veil/runtime";
import {
  deliverEvents,
  type DeliverPorts,
  type DeliveryStore,
  type SendEnd,
  switchOff,
  type Webhook,
  type WebhookEvent,
  type WebhookEvents,
  type WebhookStore,
  webhookSubject,
} from "@veil/webhooks";
import { SLOW_MS, DELIVERY_RUN_MS } from "./slow-receivers.ts";
import type { WebhookSender } from "./webhook-sender.ts";

export interface WebhookHandlerPorts {
  readonly webhooks: WebhookStore & DeliveryStore;
  readonly events: WebhookEvents;
  readonly sender: Pick<WebhookSender, "send">;
  /** Queues a last attempt, which waits among the failed jobs when it fails. @throws when Redis is away */
  readonly queueLastAttempt: (event: WebhookEvent, webhook: Webhook) => Promise<void>;
  /** Called for each attempt. */
  readonly onSent: (end: SendEnd["outcome"], durationMs: number) => void;
  readonly onGivenUp: () => void;
  /** Where it is said that an event of a webhook is about to be born. */
  readonly hints: EventHints;
  /** Called when a webhook has been switched off. */
  readonly onSwitchedOff: (webhook: Webhook, reason: string) => void;
  readonly clock: Pick<SharedClock, "now" | "earliest" | "latest" | "monotonic">;
  readonly isStopping: () => boolean;
  readonly log: Pick<Logger, "warn" | "debug">;
}

const TEST_TIMEOUT_MS = 5_000;

export const DEAD_REASON = "no event was taken for three days";

/** The handlers for all jobs of deliveries. */
export function webhookJobHandlers(ports: WebhookHandlerPorts): JobHandlers<"veil-webhooks"> {
  const { webhooks, events, sender, onSent, clock, isStopping } = ports;
  const now = () => clock.now();
  /** Webhooks of which a test is under way. */
  const tested = new Set<string>();

  const send = async (event: Pick<WebhookEvent, "id" | "body">, webhook: Webhook, timeoutMs?: number) => {
    const begun = clock.monotonic();
    const end = await sender.send(event, webhook, timeoutMs);
    const tookMs = clock.monotonic() - begun;
    onSent(end.outcome, tookMs);
    return { ...end, isSlow: tookMs > SLOW_MS };
  };

  const giveUp: DeliverPorts["giveUp"] = async (event, webhook) => {
    try {
      await ports.queueLastAttempt(event, webhook);
    } catch (error) {
      ports.log.debug({ err: error, webhook: webhook.id, seq: event.seq }, "could not give up an event");
      return false;
    }
    ports.onGivenUp();
    ports.log.warn({ webhook: webhook.id, event: event.id, seq: event.seq }, "gave up an event of a webhook");
    return true;
  };

  async function deliver(id: string) {
    const webhook = await webhooks.find(id);
    if (webhook === null || !webhook.enabled) return "off" as const;
    const until = clock.monotonic() + DELIVERY_RUN_MS;
    const end = await deliverEvents(webhook, {
      events,
      deliveries: webhooks,
      send: (event) => send(event, webhook),
      giveUp,
      clock,
      isOver: () => isStopping() || clock.monotonic() >= until,
    });
    if (end !== "dead") return end;
    const hint = await ports.hints.expect(webhookSubject(id));
    if (await switchOff(webhook, DEAD_REASON, { webhooks, now })) ports.onSwitchedOff(webhook, DEAD_REASON);
    hint.ready();
    return end;
  }

  return {
    "deliver-events": async ({ webhook_id: id }) => {
      try {
        return { outcome: await deliver(id) };
      } catch (error) {
        // The look that enters this job finds it due again each second: one that failed would be logged as often.
        const waits = error instanceof StoreUnavailableError || error instanceof UnreadableRecordError;
        if (!waits) throw error;
        ports.log.debug({ err: error, webhook: id }, "deliveries wait for the store");
        return { outcome: "unavailable" };
      }
    },
    "repeat-delivery": async ({ webhook_id: id, seq }) => {
      const [webhook, [event]] = await Promise.all([webhooks.find(id), events.find([seq])]);
      if (webhook === null || event === undefined) return { outcome: "gone" };
      const end = await send(event, webhook);
      if (end.outcome === "delivered") return { outcome: "delivered" };
      if (end.outcome === "failed") throw new PermanentJobError(end.error);
      throw new Error("broken off: the service is stopping");
    },
    "test-webhook": async ({ webhook_id: id, owner, deadline }) => {
      const webhook = await webhooks.find(id);
      if (webhook === null || (owner !== null && webhook.owner !== owner)) return { outcome: "not-found" };
      if (now() > deadline) return TOO_LATE;
      // Many tests of a receiver that is slow would take the places of all others.
      if (tested.has(id)) return { outcome: "unavailable", detail: "another test of this webhook is under way" };
      tested.add(id);
      const end = await send(testEvent(now()), webhook, TEST_TIMEOUT_MS).finally(() => tested.delete(id));
      if (end.outcome === "cut") return { outcome: "unavailable", detail: "the service is stopping" };
      return end.outcome === "delivered" ? { outcome: "delivered" } : { outcome: "refused", detail: end.error };
    },
  };
}

/** An event that says nothing, of no position in the log. @param now milliseconds since the epoch */
function testEvent(now: number): Pick<WebhookEvent, "id" | "body"> {
  const id = `test_${randomUUID()}`;
  const at = Math.floor(now / 1_000);
  const actor = { name: "system", address: null, request_id: null };
  return { id, body: JSON.stringify({ id, seq: 0, type: "webhook.test", at, actor, data: {} }) };
}
