import { probeRedis, type Redis } from "@veil/redis";
import type { Metrics, SharedClock } from "@veil/runtime";

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

/** Asks Redis for what the services need of it, and for its time. @throws see `probeRedis` */
export async function probeWithClock(redis: Redis, prefix: string, clock: SharedClock): Promise<void> {
  const askedAt = clock.monotonic();
  const time = await probeRedis(redis, prefix);
  clock.take({ time, askedAt, answeredAt: clock.monotonic() });
}
