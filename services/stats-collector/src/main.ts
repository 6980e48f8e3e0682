import { randomUUID } from "node:crypto";
import { consumeJobs, type JobStep } from "@veil/job-contract";
import { connectMongo, MongoKeyReader, MongoNodeEpochStore, MongoTrafficStore } from "@veil/mongo-store";
import { nodeSettings } from "@veil/node-settings";
import { connectRedis } from "@veil/redis-connection";
import {
  createLogger,
  createMetrics,
  exitOnSettingsError,
  type Logger,
  readPackageVersion,
  readSettings,
  runPeriodically,
  runService,
  startOpsServer,
  systemClock,
} from "@veil/service-runtime";
import { connectXrayNode } from "@veil/xray-gateway";
import { StoredActiveKeys } from "./active-keys.ts";
import { collectorMetrics } from "./collector-metrics.ts";
import { RecordCompactor } from "./compact-records.ts";
import { NodeEpochs } from "./node-epochs.ts";
import { NodeSync } from "./node-sync.ts";
import { TrafficRefresher } from "./refresh-traffic.ts";
import { removeGone } from "./remove-gone.ts";
import { collectorSettings } from "./settings.ts";
import { SyncLoop } from "./sync-loop.ts";
import { trafficJobHandlers } from "./traffic-job-handlers.ts";
import { untilAnswered } from "./until-answered.ts";

const service = "stats-collector";
const version = readPackageVersion(import.meta.url);
const settings = exitOnSettingsError(() => readSettings(collectorSettings, { programme: service }));
const log = createLogger({ service, version, level: settings.LOG_LEVEL });
const metrics = createMetrics({ service, version });
const clock = systemClock;

/** How long the loops wait for MongoDB before they try without. */
const connectLimitMs = 5_000;
/** Shorter than a caller of the API waits. */
const syncLimitMs = 7_000;
const compactEveryMs = 10_000;
const removeGoneEveryMs = 60 * 60 * 1_000;

await runService({
  name: service,
  log,
  shutdownDeadlineMs: settings.SHUTDOWN_DEADLINE_MS,
  start: async (running) => {
    const ops = await startOpsServer({
      host: settings.METRICS_HOST,
      port: settings.METRICS_PORT,
      log,
      metrics,
      state: () => running.state,
    });
    running.onStop("ops", "ops server", () => ops.close());

    const mongo = connectMongo({ uri: settings.MONGODB_URI, onError: (err) => log.warn({ err }, "mongodb is away") });
    running.onStop("connections", "mongodb", () => mongo.close());
    ops.addCheck("mongodb", () => mongo.ping());

    const redis = connectRedis(settings.REDIS_URL, "fail-fast", (err) => log.warn({ err }, "redis is away"));
    running.onStop("connections", "redis", () => redis.disconnect());
    ops.addCheck("redis", () => redis.ping());

    await untilAnswered(() => mongo.ping(), { limitMs: connectLimitMs, clock, signal: running.signal });

    const records = new MongoTrafficStore(mongo);
    const lives = new MongoNodeEpochStore(mongo);
    const keys = new StoredActiveKeys(new MongoKeyReader(mongo));
    const epochs = new NodeEpochs(lives, clock, randomUUID);
    const compactor = new RecordCompactor(records, clock);
    const onRecord: RecordCompactor["notice"] = (record) => compactor.notice(record);

    const nodes = nodeSettings(settings).map(({ name, address, inboundTag }) => {
      const xray = connectXrayNode({ name, address, inboundTag });
      running.onStop("connections", `node ${name}`, () => xray.close());
      return { xray, metered: { ...xray, inboundTag } };
    });
    const measured = collectorMetrics({ metrics, nodes: nodes.map(({ xray }) => xray), clock });

    const syncs = nodes.map(({ metered: node }) => {
      const sync = new NodeSync({ node, epochs, records, lives, keys, clock, onRecord });
      const everyMs = settings.TRAFFIC_SYNC_INTERVAL_SECONDS * 1_000;
      const loop = new SyncLoop({
        sync,
        lives,
        records,
        everyMs,
        clock,
        log,
        onSynced: measured.synced,
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
      jitter: 0.5,
      task: async () => {
        const removed = await removeGone(records, keys);
        if (removed > 0) log.debug({ removed }, "removed traffic records of keys that are gone");
      },
      onError: (err) => log.warn({ err }, "could not remove traffic records of keys that are gone"),
    });
    running.onStop("loops", "removal", () => removing.stop());

    const shared = { nodes: nodes.map(({ metered }) => metered), epochs, records, clock };
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
      onStep: (step) => {
        measured.jobStep(step);
        logStep(step, log);
      },
      onError: (err) => log.warn({ err }, "queue error"),
    });
    running.onStop("intake", "jobs", () => consumer.drain());
    running.onStop("connections", "queue", () => consumer.close());
  },
});

function logStep(
  { state, queue, name, jobId, requestId, attempt, durationMs, outcome, error }: JobStep,
  to: Logger,
): void {
  const fields = { queue, job: name, jobId, requestId, attempt, durationMs, outcome, ...(error && { err: error }) };
  if (state === "failed") to.error(fields, "job failed");
  else if (state === "completed") to.debug(fields, "job completed");
  else to.warn(fields, `job ${state}`);
}
