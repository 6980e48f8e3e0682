import { randomUUID } from "node:crypto";
import { consumeJobs, logJobStep, openQueues, readQueueFigures } from "@veil/job-contract";
import { RedisLease } from "@veil/leases";
import { connectMongo, MongoKeyReader, MongoKeyStore, MongoNodeEpochStore, MongoTrafficStore } from "@veil/mongo-store";
import { nodeSettings } from "@veil/node-settings";
import { connectRedis } from "@veil/redis-connection";
import {
  createLogger,
  createMetrics,
  dependencyMetrics,
  exitOnSettingsError,
  openOpsServer,
  readPackageVersion,
  readSettings,
  runPeriodically,
  runService,
  systemClock,
  watchDependencies,
  untilAnswered,
} from "@veil/service-runtime";
import type { Tracing } from "@veil/tracing";
import { connectXrayNode } from "@veil/xray-gateway";
import { StoredActiveKeys } from "./active-keys.ts";
import { ClusterFigures } from "./cluster-figures.ts";
import { ClusterReporter } from "./cluster-reporter.ts";
import { collectorMetrics } from "./collector-metrics.ts";
import { RecordCompactor } from "./compact-records.ts";
import { NodeEpochs } from "./node-epochs.ts";
import { NodeSync } from "./node-sync.ts";
import { TrafficRefresher } from "./refresh-traffic.ts";
import { removeGone } from "./remove-gone.ts";
import { collectorSettings } from "./settings.ts";
import { SyncLoop } from "./sync-loop.ts";
import { trafficJobHandlers } from "./traffic-job-handlers.ts";

const service = "stats-collector";
const version = readPackageVersion(import.meta.url);
const settings = exitOnSettingsError(() => readSettings(collectorSettings, { programme: service }));
const log = createLogger({ service, version, level: settings.LOG_LEVEL });
const metrics = createMetrics({ service, version });
const clock = systemClock;
const onDependency = dependencyMetrics(metrics);
const measured = collectorMetrics({ metrics, nodes: nodeSettings(settings).map(({ name }) => name), clock });

/** How long the loops wait for MongoDB and Redis before they try without. */
const connectLimitMs = 5_000;
/** Shorter than a caller of the API waits. */
const syncLimitMs = 7_000;
const boardPath = "/admin/queues";
const reportEveryMs = 2_000;
/** So long nobody shows the figures of the whole system when the one who did has died. */
const reporterLeaseMs = 6_000;
const compactEveryMs = 10_000;
const removeGoneEveryMs = 60 * 60 * 1_000;

/** Runs the collector until the process is told to stop. @param tracing where its traces go; null for nowhere */
export async function runCollector(tracing: Tracing | null): Promise<void> {
  await runService({
    name: service,
    log,
    shutdownDeadlineMs: settings.SHUTDOWN_DEADLINE_MS,
    start: async (running) => {
      const ops = await openOpsServer(running, { settings, log, metrics, tracing });

      const mongo = connectMongo({ uri: settings.MONGODB_URI, onError: (err) => log.warn({ err }, "mongodb is away") });
      running.onStop("connections", "mongodb", () => mongo.close());
      ops.addCheck("mongodb", () => mongo.ping());

      const redis = connectRedis(settings.REDIS_URL, "fail-fast", (err) => log.warn({ err }, "redis is away"));
      running.onStop("connections", "redis", () => redis.disconnect());
      ops.addCheck("redis", () => redis.ping());

      const watching = watchDependencies({ mongodb: () => mongo.ping(), redis: () => redis.ping() }, onDependency);
      running.onStop("loops", "dependencies", () => watching.stop());

      const patience = { limitMs: connectLimitMs, clock, signal: running.signal };
      await Promise.all([untilAnswered(() => mongo.ping(), patience), untilAnswered(() => redis.ping(), patience)]);

      const records = new MongoTrafficStore(mongo);
      const lives = new MongoNodeEpochStore(mongo);
      const keys = new StoredActiveKeys(new MongoKeyReader(mongo));
      const epochs = new NodeEpochs(lives, clock, randomUUID);
      const compactor = new RecordCompactor(records, clock);
      const onRecord: RecordCompactor["notice"] = (record) => compactor.notice(record);

      const nodes = nodeSettings(settings).map(({ name, address, inboundTag }) => {
        const xray = connectXrayNode({ name, address, inboundTag, onCall: measured.callsOf(name) });
        running.onStop("connections", `node ${name}`, () => xray.close());
        return { xray, metered: { ...xray, inboundTag } };
      });

      const queues = openQueues(redis, (err) => log.warn({ err }, "queue error"), settings.QUEUE_PREFIX);
      running.onStop("connections", "queues", () => queues.close());
      if (settings.ADMIN_PASSWORD !== undefined) {
        const { queueBoard } = await import("@veil/queue-board");
        const onError = (err: unknown) => log.warn({ err }, "the page on the queues could not be shown");
        ops.addHandler(boardPath, queueBoard({ path: boardPath, password: settings.ADMIN_PASSWORD, queues, onError }));
      }
      const keyStore = new MongoKeyStore(mongo);
      const figures = new ClusterFigures({
        countKeys: () => keyStore.countByState(),
        readQueues: async () => readQueueFigures(await queues.all()),
        nodes: nodes.map(({ xray }) => xray),
        topUsers: settings.METRICS_TOP_USERS,
        clock,
        log,
      });
      const lease = new RedisLease(redis, `${settings.QUEUE_PREFIX}:lease:reporter`, reporterLeaseMs);
      const reporter = new ClusterReporter({ lease, read: () => figures.read(), log });
      const isReachable = (name: string) => nodes.some(({ xray }) => xray.name === name && xray.reachable);
      measured.showCluster(() => (reporter.reports ? { figures, isReachable } : null));
      const reporting = runPeriodically({
        everyMs: reportEveryMs,
        task: () => reporter.tick(),
        onError: (err) => log.warn({ err }, "could not read the figures of the whole system"),
      });
      running.onStop("loops", "reporter", async () => {
        await reporting.stop();
        await reporter.stop();
      });

      const syncs = nodes.map(({ metered: node }) => {
        const sync = new NodeSync({
          node,
          epochs,
          records,
          lives,
          keys,
          clock,
          onRecord,
          onSynced: measured.synced,
        });
        const everyMs = settings.TRAFFIC_SYNC_INTERVAL_SECONDS * 1_000;
        const loop = new SyncLoop({
          sync,
          lives,
          records,
          everyMs,
          clock,
          log,
          onReport: measured.report,
        });
        const ticking = runPeriodically({
          everyMs,
          task: () => loop.tick(),
          onError: (err) => log.warn({ err, node: node.name }, "could not look after the node's traffic"),
        });
        running.onStop("loops", `sync ${node.name}`, () => ticking.stop());
        return sync;
      });
      const compacting = runPeriodically({
        everyMs: compactEveryMs,
        firstRun: "later",
        jitter: 0.1,
        task: async () => {
          const compacted = await compactor.pass();
          if (compacted > 0) log.debug({ compacted }, "compacted traffic records");
        },
        onError: (err) => log.warn({ err }, "could not compact traffic records"),
      });
      running.onStop("loops", "compactor", () => compacting.stop());
      const removing = runPeriodically({
        everyMs: removeGoneEveryMs,
        firstRun: "later",
        jitter: 0.5,
        task: async () => {
          const removed = await removeGone(records, keys);
          if (removed > 0) log.debug({ removed }, "removed traffic records of keys that are gone");
        },
        onError: (err) => log.warn({ err }, "could not remove traffic records of keys that are gone"),
      });
      running.onStop("loops", "removal", () => removing.stop());

      const shared = { nodes: nodes.map(({ metered }) => metered), epochs, records, clock };
      const logStep = logJobStep(log, "debug");
      const consumer = consumeJobs({
        queue: "veil-traffic",
        redisUrl: settings.REDIS_URL,
        prefix: settings.QUEUE_PREFIX,
        concurrency: settings.COLLECTOR_CONCURRENCY,
        handlers: trafficJobHandlers({
          refresher: new TrafficRefresher({ ...shared, log }),
          reset: { ...shared, keys, onRecord },
          sync: { syncs, keys, clock, log, limitMs: syncLimitMs },
          clock,
        }),
        telemetry: tracing?.telemetry,
        onStep: (step) => {
          measured.jobStep(step);
          logStep(step);
        },
        onError: (err) => log.warn({ err }, "queue error"),
      });
      running.onStop("intake", "jobs", () => consumer.drain());
      running.onStop("connections", "queue", () => consumer.close());
    },
  });
}
