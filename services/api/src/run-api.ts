import { randomUUID } from "node:crypto";
import { followFleet, listedNodes, openBackingServices } from "@veil/backing-services";
import { DownNodes } from "@veil/keys";
import { meteredNodes } from "@veil/nodes";
import { ChangedKeyIndex, listenFor } from "@veil/redis";
import { createJobClient } from "@veil/job-queue";
import {
  closeHttp,
  lastingFailure,
  limitRepeats,
  listenHttp,
  prepareService,
  readSettings,
  runLoop,
  runPeriodically,
  type RunningService,
} from "@veil/runtime";
import { nodeSettings } from "@veil/settings";
import type { Tracing } from "@veil/tracing";
import { vlessFlowOf } from "@veil/protocols";
import type { Express } from "express";
import { createApp, createSubscriptionApp } from "./create-app.ts";
import { EventFeed } from "./events/event-feed.ts";
import { createHttpServer } from "./http/create-http-server.ts";
import { redisFailureLimit } from "./http/failure-limit.ts";
import { redisRateLimit } from "./http/redis-rate-limit.ts";
import { RedisWriteRecords } from "./idempotency/redis-write-records.ts";
import { requestMetrics } from "./request-metrics.ts";
import { currentPlaces } from "./key-places.ts";
import { KnownKeys } from "./keys/known-keys.ts";
import { LinkWatch } from "./link-faults.ts";
import { ReloadedSecrets } from "./reloaded-secrets.ts";
import { apiSecretSettings, apiSecrets, apiSettings, subscriptionSettings, subscriptionUrl } from "./settings.ts";
import { shareLinkMaker } from "./share-link-maker.ts";
import { DeviceGate } from "./subscriptions/device-gate.ts";
import { keySubscriptions } from "./subscriptions/key-subscriptions.ts";
import { recentUsage } from "./subscriptions/recent-usage.ts";
import { ledgerTrafficReader } from "./traffic/ledger-traffic-reader.ts";

const service = prepareService({
  name: "api",
  moduleUrl: import.meta.url,
  read: (options) => readSettings(apiSettings, options),
});
const { settings, log, metrics, clock } = service;
const onFinished = requestMetrics(metrics);

/** A key that leaked ends within this time of its replacement, where its file is replaced under a running API. */
const SECRETS_RELOAD_MS = 1_000;
const REFRESH_WAIT_MS = 1_500;
/** A sync reads every node once, whatever the number of keys; what takes longer is not coming. */
const SYNC_DEADLINE_MS = 30_000;
const LOOK_AT_LINKS_EVERY_MS = 5_000;
/** Nobody waits for the answer: such a write outlasts a restart of the workers, and the start of the first one. */
const LATER_DEADLINE_MS = 120_000;

/** Runs the API until the process is to stop. @param tracing where its traces go; null for nowhere */
export async function runApi(tracing: Tracing | null): Promise<void> {
  await service.run(tracing, async (running, ops) => {
    const { store, redis, answered } = openBackingServices(running, {
      settings,
      log,
      metrics,
      clock,
      ops,
      writesStore: false,
      olderFlow: { setting: vlessFlowOf(settings.REALITY_FLOW), record: false },
    });

    const jobs = createJobClient({
      redisUrl: settings.REDIS_URL,
      prefix: settings.QUEUE_PREFIX,
      telemetry: tracing?.telemetry,
      clock,
      onError: limitRepeats((err) => log.warn({ err }, "redis is away")),
    });
    running.onStop("connections", "queues", () => jobs.close());

    const secrets = new ReloadedSecrets(() => apiSecrets(readSettings(apiSecretSettings, { program: "api" })), log);
    const reloading = runPeriodically({
      everyMs: SECRETS_RELOAD_MS,
      firstRun: "later",
      task: async () => secrets.reload(),
      ...lastingFailure(log, "API keys cannot be read, those of before go on"),
    });
    running.onStop("loops", "reload of API keys", () => reloading.stop());

    const traffic = ledgerTrafficReader(store);
    const subscriptionUrlOf = (token: string) => `${subscriptionUrl(settings)}/sub/${token}`;
    await answered();
    const fleet = await followFleet(running, {
      store: store.fleet,
      redisUrl: settings.REDIS_URL,
      prefix: settings.QUEUE_PREFIX,
      listed: listedNodes(nodeSettings(settings)),
      onFleet: () => undefined,
      log,
    });
    const down = new DownNodes(store.sightings, clock);
    const places = currentPlaces(settings, fleet, down);
    const { seenInbounds: seen, sightings } = store;
    const links = new LinkWatch({ settings, fleet: () => fleet.current(), seen, sightings, metrics, log });
    runLoop(running, "links", {
      everyMs: LOOK_AT_LINKS_EVERY_MS,
      jitter: 0.2,
      task: () => links.look(),
      ...lastingFailure(log, "could not compare links with what runs"),
    });
    const withoutId = settings.DEVICES_WITHOUT_ID;
    const gate = new DeviceGate({ devices: store.devices, jobs, clock, withoutId, log });
    const subscriptions = {
      subscriptions: keySubscriptions({
        ...{ keys: store.keyReader, traffic, places, clock, gate, urlOf: subscriptionUrlOf },
        usageOf: (keyId, now) => recentUsage(keyId, now, store),
        downNodes: () => down.test(),
      }),
      settings: subscriptionSettings(settings),
      failures: redisFailureLimit(redis, `${settings.QUEUE_PREFIX}:subscription-failures`),
      now: () => Math.floor(clock.now() / 1_000),
    };
    const open = {
      trustedProxies: settings.TRUST_PROXY,
      origins: settings.CORS_ORIGINS,
      ...{ clock, newId: randomUUID, log, onFinished },
    };

    const feed = new EventFeed(store.events);
    running.onStop("intake", "event streams", () => feed.stop());
    const listening = listenFor(settings.REDIS_URL, settings.QUEUE_PREFIX, "events", () => feed.wake());
    running.onStop("connections", "announced events", () => listening.close());

    const { keyReader: keys, readsAllToCount } = store;
    const changes = new ChangedKeyIndex(redis, settings.QUEUE_PREFIX);

    const app = createApp({
      ...open,
      keys,
      totals: new KnownKeys({ keys, readsAllToCount, changes, clock }),
      batches: store.batches,
      traffic,
      tokens: store.tokens,
      devices: store.devices,
      events: store.events,
      feed,
      webhooks: store.webhooks,
      webhookRules: {
        sealingKey: settings.WEBHOOK_SECRET_KEY ?? null,
        isPrivateAllowed: settings.WEBHOOK_ALLOW_PRIVATE,
      },
      jobs,
      shareLinksOf: shareLinkMaker({ places, traffic, clock }, settings),
      showing: { shortId: settings.REALITY_COMMON_SHORT_ID, subscriptionUrlOf },
      subscriptions: settings.SUBSCRIPTION_PORT === undefined ? subscriptions : null,
      secrets: secrets.current,
      allowedAddresses: settings.ALLOWED_IPS,
      rate: redisRateLimit(redis, settings.QUEUE_PREFIX, settings.RATE_LIMIT_PER_SECOND),
      authFailures: redisFailureLimit(redis, `${settings.QUEUE_PREFIX}:auth-failures`),
      records: new RedisWriteRecords(redis, settings.QUEUE_PREFIX),
      progress: jobs,
      hasDocs: settings.DOCS,
      writeDeadlineMs: settings.WRITE_DEADLINE_MS,
      storeIsUp: () => store.connected,
      refreshWaitMs: REFRESH_WAIT_MS,
      fleet: async () => (await store.fleet.read()) ?? fleet.current(),
      knownFleet: () => fleet.current(),
      sightings: store.sightings,
      passes: store.passes,
      linkFaults: () => links.faults(),
      lives: store.nodeLives,
      inboundTag: settings.XRAY_INBOUND_TAG,
      nodeNames: () => meteredNodes(fleet.current()).map(({ name }) => name),
      syncDeadlineMs: SYNC_DEADLINE_MS,
      laterDeadlineMs: LATER_DEADLINE_MS,
    });
    if (settings.SUBSCRIPTION_PORT !== undefined) {
      const url = await serve(running, createSubscriptionApp(open, subscriptions), settings.SUBSCRIPTION_PORT);
      log.info({ url }, "listening for subscriptions");
    }
    log.info({ url: await serve(running, app, settings.API_PORT) }, "listening");
  });
}

/** @returns a URL that reaches the application from this machine */
async function serve(running: RunningService, app: Express, port: number): Promise<string> {
  const server = createHttpServer(app, { newId: randomUUID, keepAliveSeconds: settings.KEEP_ALIVE_SECONDS });
  const { url } = await listenHttp(server, { host: settings.API_HOST, port });
  running.onStop("intake", `public HTTP at ${port}`, (deadlineSignal) => closeHttp(server, deadlineSignal));
  return url;
}
