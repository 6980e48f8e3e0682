import { z } from "zod";
import { durationMs, type LogLevel, logLevel, port } from "./setting-types.ts";

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
