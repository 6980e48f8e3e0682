import {
  type MongoStore,
  type OlderFlowOptions,
  openMongoStore,
  READ_COLLECTIONS,
  type UnreadableRecord,
} from "@veil/mongo";
import { connectRedis, plainRedisUrl, probeWithClock, type Redis } from "@veil/redis";
import {
  lastingFailure,
  limitRepeats,
  type Logger,
  type Metrics,
  type OpsServer,
  type RunningService,
  type SharedClock,
} from "@veil/runtime";
import { watchRedisMemory } from "./redis-memory.ts";
import { untilAnswered } from "./until-answered.ts";
import { dependencyMetrics, watchDependencies } from "./watch-dependencies.ts";

export interface BackingServicesParts {
  readonly settings: { readonly MONGODB_URI: string; readonly REDIS_URL: string; readonly QUEUE_PREFIX: string };
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Samples Redis' time for as long as the service runs. */
  readonly clock: SharedClock;
  readonly ops: Pick<OpsServer, "addCheck">;
  /** Whether the service writes to MongoDB, and not only to Redis. */
  readonly writesStore: boolean;
  /** See `openMongoStore`. */
  readonly olderFlow?: OlderFlowOptions;
}

export interface BackingServices {
  readonly store: MongoStore;
  /** Commands fail at once while Redis is away. */
  readonly redis: Redis;
  /** Waits until both have answered, for five seconds at most: the first work is then tried without. Never rejects. */
  answered(): Promise<void>;
  /** Counts a record of which a part was found unreadable behind the store, and names it in the log once. */
  readonly onUnreadable: ReturnType<typeof unreadableRecords>;
}

const CONNECT_LIMIT_MS = 5_000;

/**
 * Connects to both in the background, for as long as the service runs. The service is ready once both have answered, and the
 * metrics tell whether they go on doing what it needs.
 */
export function openBackingServices(
  running: RunningService,
  { settings, log, metrics, clock, ops, writesStore, olderFlow }: BackingServicesParts,
): BackingServices {
  const onUnreadable = unreadableRecords(metrics, log);
  const store = openMongoStore({
    uri: settings.MONGODB_URI,
    now: () => clock.now(),
    onError: limitRepeats((err) => log.warn({ err }, "mongodb is away")),
    onUnreadable,
    onIgnored: (options) => warnOfIgnored("MONGODB_URI", options, log),
    writes: writesStore,
    ...(olderFlow !== undefined && { olderFlow }),
  });
  running.onStop("connections", "mongodb", () => store.close());
  const { REDIS_URL: redisUrl, QUEUE_PREFIX: prefix } = settings;
  const redisAway = lastingFailure(log, "redis is away");
  const redis = connectRedis(redisUrl, "fail-fast", redisAway.onError);
  redis.on("ready", () => redisAway.onSuccess());
  running.onStop("connections", "redis", () => redis.disconnect());
  const { ignored } = plainRedisUrl(redisUrl);
  if (ignored.length > 0) warnOfIgnored("REDIS_URL", ignored, log);

  clockSkewMetric(metrics, clock);
  const ask = { mongodb: () => store.ping(), redis: () => probeWithClock(redis, prefix, clock) };
  ops.addCheck("mongodb", ask.mongodb);
  ops.addCheck("redis", ask.redis);
  const watching = watchDependencies({ ask, note: dependencyMetrics(metrics), log, connectMs: CONNECT_LIMIT_MS });
  running.onStop("loops", "dependencies", () => watching.stop());
  const watchingMemory = watchRedisMemory(redis, metrics);
  running.onStop("loops", "redis-memory", () => watchingMemory.stop());

  const patience = { limitMs: CONNECT_LIMIT_MS, clock, signal: running.signal };
  return {
    store,
    redis,
    onUnreadable,
    answered: async () => {
      await Promise.all([untilAnswered(ask.mongodb, patience), untilAnswered(ask.redis, patience)]);
    },
  };
}

function warnOfIgnored(setting: string, options: readonly string[], log: Logger): void {
  log.warn({ setting, options }, "options of this address have no effect: the service sets them itself");
}

/** Shows how far the machine's clock is from Redis'; without a value until Redis was asked for its time. */
export function clockSkewMetric(metrics: Metrics, clock: Pick<SharedClock, "skewMs">): void {
  metrics.gauge({
    name: "veil_clock_skew_seconds",
    help: "How far this machine's clock is ahead of Redis', asked every 5 s; negative when it is behind.",
    collect: (gauge) => {
      if (clock.skewMs !== null) gauge.set(clock.skewMs / 1_000);
    },
  });
}

/** Records that are named in the log; beyond them only the metric counts. */
const MOST_NAMED = 1_000;

/** Counts stored records that can't be read whenever one is met, and names each in the log once. */
export function unreadableRecords(metrics: Metrics, log: Pick<Logger, "error">): (record: UnreadableRecord) => void {
  const met = metrics.counter({
    name: "veil_records_unreadable_total",
    help: "Times a stored record was met that this version can't read; the others are read all the same.",
    labels: { collection: READ_COLLECTIONS },
  });
  const named = new Set<string>();
  return ({ collection, id, error: err }) => {
    met.inc({ collection });
    const name = `${collection} ${id}`;
    if (named.has(name) || named.size >= MOST_NAMED) return;
    named.add(name);
    log.error({ err, collection, id }, "a stored record can't be read and is left out");
  };
}
