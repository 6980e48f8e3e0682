import type { Redis } from "@veil/redis";
import { type Clock, type Metrics, type PeriodicTask, runPeriodically, systemClock } from "@veil/runtime";

/** Bytes that Redis says of its memory. */
export interface RedisMemory {
  readonly used: number;
  /** From here on it refuses writes; null when it has no limit. */
  readonly limit: number | null;
}

const ASK_EVERY_MS = 15_000;

/**
 * Shows how full Redis is, asked again and again. Nothing is shown while it is away, or of one that refuses `INFO` as managed ones
 * do: a gap tells more than a figure that stands still.
 */
export function watchRedisMemory(
  redis: Pick<Redis, "info">,
  metrics: Metrics,
  clock: Clock = systemClock,
): PeriodicTask {
  let memory: RedisMemory | null = null;
  metrics.gauge({
    name: "veil_redis_memory_bytes",
    help: "Memory that Redis uses, and its limit (`maxmemory`), every 15 s; missing where Redis does not tell.",
    labels: { kind: ["used", "limit"] },
    collect: (gauge) => {
      gauge.reset();
      if (memory === null) return;
      gauge.set({ kind: "used" }, memory.used);
      if (memory.limit !== null) gauge.set({ kind: "limit" }, memory.limit);
    },
  });
  return runPeriodically({
    everyMs: ASK_EVERY_MS,
    jitter: 0.1,
    clock,
    task: async () => {
      memory = await redis.info("memory").then(memoryIn, () => null);
    },
    onError: () => undefined,
  });
}

/** Null when the text does not say it. */
export function memoryIn(info: string): RedisMemory | null {
  const figures = new Map(info.split("\n").map((line) => [line.split(":", 1)[0], Number(line.split(":")[1])]));
  const [used = Number.NaN, limit = 0] = [figures.get("used_memory"), figures.get("maxmemory")];
  return Number.isFinite(used) ? { used, limit: limit > 0 ? limit : null } : null;
}
