import type { BackingServices } from "@veil/backing-services";
import type { EventHintIndex, ExclusiveTask, Redis } from "@veil/redis";
import type { MongoStore } from "@veil/mongo";
import { coerceError, type Logger, type RunningService, type SharedClock } from "@veil/runtime";
import type { Tracing } from "@veil/tracing";
import type { WebhookEvents } from "@veil/webhooks";
import type { WorkerSettings } from "../settings.ts";
import { ledgerShownTraffic } from "../terms/ledger-key-traffic.ts";
import { loggedEvents } from "../webhooks/logged-events.ts";
import { startWebhooks } from "../webhooks/start-webhooks.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import { allEvents, fleetEvents, tokenEvents, webhookEvents } from "./outboxes.ts";
import { keyEvents } from "./key-events.ts";
import { nodeEvents, startNodeNotes } from "./node-events.ts";
import { startRelayLoop } from "./relay-loop.ts";

export interface EventsOptions {
  readonly settings: WorkerSettings;
  readonly store: MongoStore;
  readonly onUnreadable: BackingServices["onUnreadable"];
  readonly redis: Redis;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly hints: EventHintIndex;
  /** Names of the nodes that there are at each moment. */
  readonly nodes: readonly string[];
  readonly measured: WorkerMetrics;
  /** Of the worker, for receivers of webhooks. */
  readonly version: string;
  readonly telemetry: Tracing["telemetry"] | undefined;
  readonly clock: SharedClock;
  readonly log: Logger;
}

/** Brings what happens into the log of events, and from there to webhooks, until the service stops. @returns the log */
export function startEvents(running: RunningService, options: EventsOptions): WebhookEvents {
  const { settings, store, redis, exclusive, hints, measured, clock, log } = options;
  const noted = { nodes: options.nodes, sightings: store.sightings, states: store.nodeStates };
  startNodeNotes(running, { ...noted, hints, exclusive, clock, log });
  const events = loggedEvents(store.events);
  const webhooks = startWebhooks(running, {
    redis,
    redisUrl: settings.REDIS_URL,
    prefix: settings.QUEUE_PREFIX,
    webhooks: store.webhooks,
    events,
    hints,
    sealingKey: settings.WEBHOOK_SECRET_KEY ?? null,
    isPrivateAllowed: settings.WEBHOOK_ALLOW_PRIVATE,
    agent: `Veil/${options.version}`,
    metrics: measured.webhooks,
    telemetry: options.telemetry,
    onStep: (step) => measured.jobStep(step),
    clock,
    log,
  });
  startRelayLoop(running, {
    hints,
    events: store.events,
    outbox: allEvents(
      keyEvents({
        outbox: store.keyOutbox,
        devices: store.devices,
        trafficOf: ledgerShownTraffic(store.traffic),
        shortId: settings.REALITY_COMMON_SHORT_ID,
        onUnreadable: (keyId, thrown) =>
          options.onUnreadable({ collection: "keys", id: String(keyId), error: coerceError(thrown) }),
      }),
      tokenEvents(store.tokenOutbox),
      webhookEvents(store.webhookOutbox),
      nodeEvents(store.nodeStates),
      fleetEvents(store.fleet),
    ),
    exclusive,
    clock,
    keptDays: settings.EVENTS_DAYS,
    log,
    onRelayed: (relayed) => {
      measured.eventsRelayed(relayed);
      webhooks.wake();
    },
    onWaiting: (waiting) => measured.eventsWaiting(waiting),
  });
  return events;
}
