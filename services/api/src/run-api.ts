import { randomUUID } from "node:crypto";
import { openBackingServices } from "@veil/backing-services";
import { createJobClient } from "@veil/job-queue";
import { closeHttp, limitRepeats, listenHttp, prepareService, readSettings } from "@veil/runtime";
import type { Tracing } from "@veil/tracing";
import { vlessFlowOf } from "@veil/protocols";
import { createApp } from "./create-app.ts";
import { createHttpServer } from "./http/create-http-server.ts";
import { redisFailureLimit } from "./http/failure-limit.ts";
import { redisRateLimit } from "./http/redis-rate-limit.ts";
import { RedisWriteRecords } from "./idempotency/redis-write-records.ts";
import { requestMetrics } from "./request-metrics.ts";
import { apiSecrets, apiSettings, subscriptionUrl } from "./settings.ts";
import { shareLinkMaker } from "./share-link-maker.ts";
import { ledgerTrafficReader } from "./traffic/ledger-traffic-reader.ts";

const service = prepareService({
  name: "api",
  moduleUrl: import.meta.url,
  read: (options) => readSettings(apiSettings, options),
});
const { settings, log, metrics, clock } = service;
const onFinished = requestMetrics(metrics);

const REFRESH_WAIT_MS = 1_500;
/** A sync reads every node once, whatever the number of keys; what takes longer is not coming. */
const SYNC_DEADLINE_MS = 30_000;
/** Nobody waits for the answer: such a write outlasts a restart of the workers, and the start of the first one. */
const LATER_DEADLINE_MS = 120_000;

/** Runs the API until the process is to stop. @param tracing where its traces go; null for nowhere */
export async function runApi(tracing: Tracing | null): Promise<void> {
  await service.run(tracing, async (running, ops) => {
    const { store, redis } = openBackingServices(running, {
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

    const app = createApp({
      keys: store.keyReader,
      traffic: ledgerTrafficReader(store.traffic),
      jobs,
      shareLinksOf: shareLinkMaker(settings),
      showing: {
        shortId: settings.REALITY_COMMON_SHORT_ID,
        subscriptionUrlOf: (token) => `${subscriptionUrl(settings)}/sub/${token}`,
      },
      secrets: apiSecrets(settings),
      allowedAddresses: settings.ALLOWED_IPS,
      trustedProxies: settings.TRUST_PROXY,
      rate: redisRateLimit(redis, settings.QUEUE_PREFIX, settings.RATE_LIMIT_PER_SECOND),
      authFailures: redisFailureLimit(redis, `${settings.QUEUE_PREFIX}:auth-failures`),
      records: new RedisWriteRecords(redis, settings.QUEUE_PREFIX),
      progress: jobs,
      origins: settings.CORS_ORIGINS,
      hasDocs: settings.DOCS,
      clock,
      newId: randomUUID,
      writeDeadlineMs: settings.WRITE_DEADLINE_MS,
      storeIsUp: () => store.connected,
      refreshWaitMs: REFRESH_WAIT_MS,
      syncDeadlineMs: SYNC_DEADLINE_MS,
      laterDeadlineMs: LATER_DEADLINE_MS,
      log,
      onFinished,
    });
    const server = createHttpServer(app, randomUUID);
    const { url } = await listenHttp(server, { host: settings.API_HOST, port: settings.API_PORT });
    running.onStop("intake", "public HTTP", (deadlineSignal) => closeHttp(server, deadlineSignal));
    log.info({ url }, "listening");
  });
}
