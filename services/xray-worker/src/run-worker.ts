import { randomUUID } from "node:crypto";
import { consumeJobs, logJobStep } from "@veil/job-contract";
import type { LifecyclePorts } from "@veil/key-lifecycle";
import { KeyLeases } from "@veil/leases";
import { connectMongo, MongoInboundVault, MongoKeyStore } from "@veil/mongo-store";
import { nodeSettings } from "@veil/node-settings";
import { connectRedis, durabilityWarnings } from "@veil/redis-connection";
import {
  createLogger,
  createMetrics,
  dependencyMetrics,
  exitOnSettingsError,
  openOpsServer,
  type PeriodicTask,
  readPackageVersion,
  readSettings,
  runPeriodically,
  runService,
  systemClock,
  watchDependencies,
  untilAnswered,
} from "@veil/service-runtime";
import type { Tracing } from "@veil/tracing";
import { connectNodes } from "./connect-nodes.ts";
import { dropTombstones, sweep } from "./housekeeping.ts";
import { ReconcileLoop } from "./keep-reconciled.ts";
import { keyJobHandlers } from "./key-job-handlers.ts";
import { workerSettings } from "./settings.ts";
import { workerMetrics } from "./worker-metrics.ts";

const service = "xray-worker";
const version = readPackageVersion(import.meta.url);
const settings = exitOnSettingsError(() => readSettings(workerSettings, { programme: service }));
const log = createLogger({ service, version, level: settings.LOG_LEVEL });
const metrics = createMetrics({ service, version });
const onDependency = dependencyMetrics(metrics);
const measured = workerMetrics({
  metrics,
  nodes: nodeSettings(settings).map(({ name }) => name),
  clock: systemClock,
  passPeriodMs: settings.RECONCILE_INTERVAL_SECONDS * 1_000,
});

const glanceEveryMs = 1_000;
/** Tombstones stay for a day: that some of them stay a little longer costs less than looking for them often. */
const forgetEveryMs = 10 * 60_000;
/** How long the first work waits for MongoDB and Redis before it is tried without. */
const connectLimitMs = 5_000;

/** Runs the worker until the process is told to stop. @param tracing where its traces go; null for nowhere */
export async function runWorker(tracing: Tracing | null): Promise<void> {
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
      redis.on("ready", () => void warnOfRedis());

      const patience = { limitMs: connectLimitMs, clock: systemClock, signal: running.signal };
      await Promise.all([untilAnswered(() => mongo.ping(), patience), untilAnswered(() => redis.ping(), patience)]);

      const watching = watchDependencies({ mongodb: () => mongo.ping(), redis: () => redis.ping() }, onDependency);
      running.onStop("loops", "dependencies", () => watching.stop());

      const store = new MongoKeyStore(mongo);
      const vault = new MongoInboundVault(mongo);
      const exclusive = { redis, prefix: settings.QUEUE_PREFIX };
      const reconcilers = new Map<string, { readonly loop: ReconcileLoop; readonly ticking: PeriodicTask }>();
      const nodes = connectNodes(running, settings, {
        store,
        vault,
        exclusive,
        clock: systemClock,
        log,
        onConfigFile: (result) => measured.configFile(result),
        onBlocked: (node, users) => measured.blocked(node, users),
        callsOf: (node) => measured.callsOf(node),
        onReachableChange: (node, reachable) => {
          const reconciler = reconcilers.get(node);
          if (reachable) void reconciler?.ticking.trigger();
          else reconciler?.loop.lost();
        },
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

      const sweeping = runPeriodically({
        everyMs: settings.RECONCILE_INTERVAL_SECONDS * 1_000,
        jitter: 0.1,
        // The nodes' first passes call for it: users wait for those.
        firstRun: "later",
        task: () => sweep({ ports, exclusive, log }),
        onError: (err) => log.warn({ err }, "could not sweep"),
      });
      running.onStop("loops", "sweep", () => sweeping.stop());

      const forgetting = runPeriodically({
        everyMs: forgetEveryMs,
        jitter: 0.5,
        firstRun: "later",
        task: () => dropTombstones({ store, exclusive, clock: systemClock, log }),
        onError: (err) => log.warn({ err }, "could not drop tombstones"),
      });
      running.onStop("loops", "tombstones", () => forgetting.stop());

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
            if (pass.result === "ok" && pass.reason !== "period") void sweeping.trigger();
          },
        });
        const ticking = runPeriodically({
          everyMs: glanceEveryMs,
          jitter: 0.1,
          task: () => loop.tick(),
          onError: (err) => log.warn({ err, node: node.name }, "could not reconcile"),
        });
        reconcilers.set(node.name, { loop, ticking });
        running.onStop("loops", `reconciler ${node.name}`, () => ticking.stop());
      }

      const logStep = logJobStep(log, "info");
      const consumer = consumeJobs({
        queue: "veil-keys",
        redisUrl: settings.REDIS_URL,
        prefix: settings.QUEUE_PREFIX,
        concurrency: settings.WORKER_CONCURRENCY,
        handlers: keyJobHandlers(ports, (ending) => measured.keyEnded(ending)),
        telemetry: tracing?.telemetry,
        onStep: (step) => {
          measured.jobStep(step);
          logStep(step);
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
}
