import type { EventHints } from "@veil/events";
import { JobAdder, serveJobs, type ServeJobsOptions } from "@veil/job-queue";
import type { Redis } from "@veil/redis";
import {
  lastingFailure,
  limitRepeats,
  type Logger,
  type PeriodicTask,
  runLoop,
  type RunningService,
} from "@veil/runtime";
import {
  type DeliveryStore,
  firstState,
  summaryOf,
  isChangedSince,
  isDue,
  isSwitchedOnSince,
  type WebhookEvents,
  type WebhookReader,
  type WebhookStore,
} from "@veil/webhooks";
import { admitted, SLOW_TOGETHER } from "./slow-receivers.ts";
import { type WebhookHandlerPorts, webhookJobHandlers } from "./webhook-handlers.ts";
import type { WebhookMetrics } from "./webhook-metrics.ts";
import { WebhookSender, type WebhookSenderOptions } from "./webhook-sender.ts";

export interface WebhooksOptions
  extends Pick<ServeJobsOptions<"veil-webhooks">, "redisUrl" | "onStep" | "telemetry">,
    Pick<WebhookSenderOptions, "sealingKey" | "isPrivateAllowed" | "agent">,
    Pick<WebhookHandlerPorts, "clock"> {
  readonly redis: Redis;
  readonly prefix: string;
  readonly webhooks: WebhookStore & DeliveryStore;
  readonly events: WebhookEvents;
  readonly metrics: WebhookMetrics;
  /** Where it is said that an event of a webhook is about to be born. */
  readonly hints: EventHints;
  readonly log: Logger;
}

/** Twice the webhooks with slow receivers that are delivered to together, and as many for those that answer soon, tests and last attempts. */
const CONCURRENCY = 4 * SLOW_TOGETHER;

const FORGET_EVERY_MS = 60 * 60_000;

/** Delivers events to webhooks until the service stops. @returns what is to be called when there are new events */
export function startWebhooks(
  running: Pick<RunningService, "onStop">,
  options: WebhooksOptions,
): { readonly wake: () => void } {
  const { redis, redisUrl, prefix, webhooks, events, metrics, clock, log, onStep, telemetry } = options;
  const now = () => clock.now();
  let isStopping = false;
  const sender = new WebhookSender({ ...options, now });
  const jobs = new JobAdder(redis, { prefix, clock, onError: limitRepeats((err) => log.warn({ err }, "queue error")) });
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
  runLoop(running, "webhook records", {
    everyMs: FORGET_EVERY_MS,
    jitter: 0.5,
    firstRun: "later",
    task: () => webhooks.forgetDeliveries(),
    ...lastingFailure(log, "could not forget deliveries of webhooks that are gone"),
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
      clock,
      isStopping: () => isStopping,
      log,
    }),
    telemetry,
    clock,
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

interface WebhookLoopOptions {
  readonly webhooks: Pick<WebhookReader, "list" | "deliveries">;
  readonly events: Pick<WebhookEvents, "head">;
  /** Enters the job of a webhook unless it is there. */
  readonly enter: (webhookId: string) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Events that nobody announced, retries that have become due, and jobs that Redis has lost are found by a look. */
const LOOK_EVERY_MS = 1_000;

/** Has events delivered to whom they are due, until the service stops. @returns the loop, to be triggered by new events */
function startWebhookLoop(
  running: Pick<RunningService, "onStop">,
  { log, ...options }: WebhookLoopOptions & { readonly log: Logger },
): PeriodicTask {
  return runLoop(running, "webhooks", {
    everyMs: LOOK_EVERY_MS,
    jitter: 0.2,
    task: () => enterDue(options),
    ...lastingFailure(log, "could not look for events to deliver"),
  });
}

/** Enters the jobs of the webhooks that have something due. @throws when a store or Redis is away */
export async function enterDue({ webhooks, events, enter, now }: WebhookLoopOptions): Promise<void> {
  const enabled = (await webhooks.list()).filter((webhook) => webhook.enabled);
  if (enabled.length === 0) return;
  const [states, head] = await Promise.all([webhooks.deliveries(), events.head()]);
  const stateOf = new Map(states.map((state) => [state.webhookId, state]));
  const due = enabled.flatMap((webhook) => {
    const state = stateOf.get(webhook.id) ?? summaryOf(firstState(webhook));
    const isOtherNow = isSwitchedOnSince(state, webhook, now()) || isChangedSince(state, webhook);
    return isOtherNow || isDue(state, head, now()) ? [state] : [];
  });
  await Promise.all(admitted(due, now()).map(({ webhookId }) => enter(webhookId)));
}
