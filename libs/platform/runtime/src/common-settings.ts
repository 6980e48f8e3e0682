import { z } from "zod";
import { durationMs, type LogLevel, logLevel, port, url } from "./setting-types.ts";

/** Redis refuses another name, and the client then goes on in database 0. */
function hasNumberedDatabase(address: string): boolean {
  return /^rediss?:\/\/[^/?]*(?:\/\d*)?(?:\?.*)?$/i.test(address);
}

/** The variables that say where Redis and MongoDB are; every process reads them alike. */
export const engineVariables = {
  REDIS_URL: url(["redis", "rediss"])
    .refine(hasNumberedDatabase, "must name its database by a number, if at all: redis://host:6379/1")
    .default("redis://127.0.0.1:6379")
    .meta({ example: "redis://127.0.0.1:6379" }),
  MONGODB_URI: url(["mongodb", "mongodb+srv"])
    .default("mongodb://127.0.0.1:27017/veil")
    .meta({ example: "mongodb://127.0.0.1:27017/veil" }),
  /** In front of every key in Redis, so that several systems can share one. */
  QUEUE_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]+$/, "must consist of a-z, 0-9 and -")
    .default("veil")
    .meta({ example: "veil" }),
};

const defaults = {
  LOG_LEVEL: "info",
  // Probes and scrapes come from outside the container. Where that is not wanted, a loopback address is set.
  METRICS_HOST: "0.0.0.0",
  SHUTDOWN_DEADLINE_MS: 10_000,
} satisfies { LOG_LEVEL: LogLevel; METRICS_HOST: string; SHUTDOWN_DEADLINE_MS: number };

/**
 * The variables that every service has, to be spread into the shape of its own: `LOG_LEVEL`, `METRICS_HOST` (default
 * all IPv4 interfaces), `METRICS_PORT` (0 takes any free one) and `SHUTDOWN_DEADLINE_MS` (100 ms to 10 minutes).
 * @param metricsPort Default of `METRICS_PORT`; each service has its own.
 */
export function runtimeSettings({ metricsPort }: { metricsPort: number }) {
  return {
    LOG_LEVEL: logLevel().default(defaults.LOG_LEVEL),
    METRICS_HOST: z.string().default(defaults.METRICS_HOST).meta({ example: "127.0.0.1" }),
    METRICS_PORT: port({ anyFree: true })
      .default(metricsPort)
      .meta({ example: String(metricsPort) }),
    SHUTDOWN_DEADLINE_MS: durationMs({ min: 100, max: 600_000 })
      .default(defaults.SHUTDOWN_DEADLINE_MS)
      .meta({ example: String(defaults.SHUTDOWN_DEADLINE_MS) }),
  };
}
