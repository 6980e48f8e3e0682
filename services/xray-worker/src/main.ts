import { randomUUID } from "node:crypto";
import { consumeJobs, type JobStep } from "@veil/job-contract";
import type { LifecyclePorts } from "@veil/key-lifecycle";
import { KeyLeases } from "@veil/leases";
import { connectMongo, MongoInboundVault, MongoKeyStore } from "@veil/mongo-store";
import { nodeSettings } from "@veil/node-settings";
import { connectRedis, durabilityWarnings } from "@veil/redis-connection";
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
import { connectNodes } from "./connect-nodes.ts";
import { keepHouse } from "./housekeeping.ts";
import { ReconcileLoop } from "./keep-reconciled.ts";
import { keyJobHandlers } from "./key-job-handlers.ts";
import { workerSettings } from "./settings.ts";
import { workerMetrics } from "./worker-metrics.ts";

const service = "xray-worker";
const version = readPackageVersion(import.meta.url);
const settings = exitOnSettingsError(() => readSettings(workerSettings, { programme: service }));
const log = createLogger({ service, version, level: settings.LOG_LEVEL });
const metrics = createMetrics({ service, version });

const glanceEveryMs = 1_000;

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
    redis.on("ready", () => void warnOfRedis());

    const store = new MongoKeyStore(mongo);
    const vault = new MongoInboundVault(mongo);
    const exclusive = { redis, prefix: settings.QUEUE_PREFIX };
    const measured = workerMetrics(
      metrics,
      nodeSettings(settings).map(({ name }) => name),
      store,
      systemClock,
    );
    const nodes = connectNodes(running, settings, {
      store,
      vault,
      exclusive,
      clock: systemClock,
      log,
      onConfigFile: (result) => measured.configFile(result),
      onBlocked: (node, users) => measured.blocked(node, users),
    });
    const ports: LifecyclePorts = {
      store,
      nodes: nodes.map(({ users }) => users),
      lease: new KeyLeases(redis, settings.QUEUE_PREFIX),
      clock: systemClock,
      newUuid: randomUUID,
    };

    const preparation = runPeriodically({
      everyMs: 1_000,
      onError: (err) => log.warn({ err }, "the key store could not be prepared"),
      task: async () => {
        await store.prepare();
        void preparation.stop();
      },
    });
    running.onStop("loops", "preparation", () => preparation.stop());

    const housekeeping = runPeriodically({
      everyMs: settings.RECONCILE_INTERVAL_SECONDS * 1_000,
      jitter: 0.1,
      task: () => keepHouse({ ports, store, exclusive, clock: systemClock, log }),
      onError: (err) => log.warn({ err }, "could not sweep"),
    });
    running.onStop("loops", "housekeeping", () => housekeeping.stop());

    for (const { node, users } of nodes) {
      const loop = new ReconcileLoop({
        node,
        users,
        state: store,
        ports,
        exclusive,
        periodMs: settings.RECONCILE_INTERVAL_SECONDS * 1_000,
        clock: systemClock,
        log,
        onPass: (pass) => {
          measured.pass(pass);
          // What could not be removed while the node was away, or came back with it, must not wait for the period.
          if (pass.result === "ok" && pass.reason !== "period") void housekeeping.trigger();
        },
      });
      const ticking = runPeriodically({
        everyMs: glanceEveryMs,
        jitter: 0.1,
        task: () => loop.tick(),
        onError: (err) => log.warn({ err, node: node.name }, "could not reconcile"),
      });
      running.onStop("loops", `reconciler ${node.name}`, () => ticking.stop());
    }

    const consumer = consumeJobs({
      queue: "veil-keys",
      redisUrl: settings.REDIS_URL,
      prefix: settings.QUEUE_PREFIX,
      concurrency: settings.WORKER_CONCURRENCY,
      handlers: keyJobHandlers(ports),
      onStep: (step) => {
        measured.jobStep(step);
        logStep(step, log);
      },
      onError: (err) => log.warn({ err }, "queue error"),
    });
    running.onStop("intake", "jobs", () => consumer.drain());
    running.onStop("connections", "queue", () => consumer.close());

    async function warnOfRedis(): Promise<void> {
      try {
        for (const warning of await durabilityWarnings(redis)) log.warn({ warning }, "redis may lose jobs");
      } catch (err) {
        log.warn({ err }, "could not check how redis persists");
      }
    }
  },
});

function logStep(
  { state, queue, name, jobId, requestId, attempt, durationMs, outcome, error }: JobStep,
  to: Logger,
): void {
  const fields = { queue, job: name, jobId, requestId, attempt, durationMs, outcome, ...(error && { err: error }) };
  if (state === "failed") to.error(fields, "job failed");
  else if (state === "completed") to.info(fields, "job completed");
  else to.warn(fields, `job ${state}`);
}
