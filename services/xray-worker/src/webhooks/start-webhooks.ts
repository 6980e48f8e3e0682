import type { EventHints } from "@veil/events";
import { JobAdder, serveJobs, type ServeJobsOptions } from "@veil/job-queue";
import type { Redis } from "@veil/redis";
import { limitRepeats, type Logger, type RunningService } from "@veil/runtime";
import { type DeliveryStore, MOST_WEBHOOKS, type WebhookEvents, type WebhookStore } from "@veil/webhooks";
import { webhookJobHandlers } from "./webhook-handlers.ts";
import { startWebhookLoop } from "./webhook-loop.ts";
import type { WebhookMetrics } from "./webhook-metrics.ts";
import { WebhookSender, type WebhookSenderOptions } from "./webhook-sender.ts";

export interface WebhooksOptions
  extends Pick<ServeJobsOptions<"veil-webhooks">, "redisUrl" | "onStep" | "telemetry">,
    Pick<WebhookSenderOptions, "sealingKey" | "isPrivateAllowed" | "agent" | "now"> {
  readonly redis: Redis;
  readonly prefix: string;
  readonly webhooks: WebhookStore & DeliveryStore;
  readonly events: WebhookEvents;
  readonly metrics: WebhookMetrics;
  /** Where it is said that an event of a webhook is about to be born. */
  readonly hints: EventHints;
  readonly log: Logger;
}

/** One for each webhook without an owner, so that none waits for a slow one, and some for others, tests and last attempts. */
const CONCURRENCY = MOST_WEBHOOKS + 28;

/** Delivers events to webhooks until the service stops. @returns what is to be called when there are new events */
export function startWebhooks(
  running: Pick<RunningService, "onStop">,
  options: WebhooksOptions,
): { readonly wake: () => void } {
  const { redis, redisUrl, prefix, webhooks, events, metrics, now, log, onStep, telemetry } = options;
  let isStopping = false;
  const sender = new WebhookSender(options);
  const jobs = new JobAdder(redis, { prefix, onError: limitRepeats((err) => log.warn({ err }, "queue error")) });
  running.onStop("intake", "deliveries", async () => {
    isStopping = true;
    await sender.stop();
  });
  running.onStop("connections", "delivery jobs", () => jobs.close());
  const loop = startWebhookLoop(running, {
    webhooks,
    events,
    enter: (id) => jobs.add("deliver-events", `deliver-${id}`, { webhook_id: id }),
    now,
    log,
  });
  serveJobs(running, {
    queue: "veil-webhooks",
    redisUrl,
    prefix,
    concurrency: CONCURRENCY,
    handlers: webhookJobHandlers({
      webhooks,
      events,
      sender,
      queueLastAttempt: ({ id, seq }, { id: webhookId }) =>
        jobs.add("repeat-delivery", `repeat-${webhookId}-${seq}`, { webhook_id: webhookId, seq, event_id: id }),
      onSent: metrics.sent,
      onGivenUp: metrics.givenUp,
      hints: options.hints,
      onSwitchedOff: (webhook, reason) => {
        metrics.switchedOff();
        log.error({ webhook: webhook.id, reason }, "switched off a webhook");
      },
      now,
      isStopping: () => isStopping,
      log,
    }),
    telemetry,
    onStep: (step) => {
      onStep(step);
      // Delivers the rest, and events that came meanwhile: the job that was there kept others of its webhook out.
      if (step.name === "deliver-events" && step.outcome === "more") void loop.trigger();
    },
    log,
    completed: "debug",
  });
  return { wake: () => void loop.trigger() };
}
