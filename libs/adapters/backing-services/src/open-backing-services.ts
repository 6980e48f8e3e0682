import { type MongoStore, type OlderFlowOptions, openMongoStore } from "@veil/mongo";
import { connectRedis, type Redis } from "@veil/redis";
import {
  lastingFailure,
  type Logger,
  type Metrics,
  type OpsServer,
  type RunningService,
  systemClock,
} from "@veil/runtime";
import { unreadableRecords } from "./unreadable-records.ts";
import { untilAnswered } from "./until-answered.ts";
import { dependencyMetrics, watchDependencies } from "./watch-dependencies.ts";

export interface BackingServicesParts {
  readonly settings: { readonly MONGODB_URI: string; readonly REDIS_URL: string };
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly ops: Pick<OpsServer, "addCheck">;
  /** See `openMongoStore`. */
  readonly olderFlow?: OlderFlowOptions;
}

export interface BackingServices {
  readonly store: MongoStore;
  /** Commands fail at once while Redis is away. */
  readonly redis: Redis;
  /** Waits until both have answered, for five seconds at most: the first work is then tried without. Never rejects. */
  answered(): Promise<void>;
}

const CONNECT_LIMIT_MS = 5_000;

/**
 * Connects to both in the background, for as long as the service runs. Readiness depends on them, and the metrics tell whether
 * they answer.
 */
export function openBackingServices(
  running: RunningService,
  { settings, log, metrics, ops, olderFlow }: BackingServicesParts,
): BackingServices {
  const store = openMongoStore({
    uri: settings.MONGODB_URI,
    onError: (err) => log.warn({ err }, "mongodb is away"),
    onUnreadable: unreadableRecords(metrics, log),
    ...(olderFlow !== undefined && { olderFlow }),
  });
  running.onStop("connections", "mongodb", () => store.close());
  const redisAway = lastingFailure(log, "redis is away");
  const redis = connectRedis(settings.REDIS_URL, "fail-fast", redisAway.onError);
  redis.on("ready", () => redisAway.onSuccess());
  running.onStop("connections", "redis", () => redis.disconnect());

  const ask = { mongodb: () => store.ping(), redis: () => redis.ping() };
  ops.addCheck("mongodb", ask.mongodb);
  ops.addCheck("redis", ask.redis);
  const watching = watchDependencies(ask, dependencyMetrics(metrics));
  running.onStop("loops", "dependencies", () => watching.stop());

  const patience = { limitMs: CONNECT_LIMIT_MS, clock: systemClock, signal: running.signal };
  return {
    store,
    redis,
    answered: async () => {
      await Promise.all([untilAnswered(ask.mongodb, patience), untilAnswered(ask.redis, patience)]);
    },
  };
}
