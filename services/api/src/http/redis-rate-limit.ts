import type { Redis } from "@veil/redis";
import { withinTime } from "@veil/runtime";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { RateLimit } from "./limit-rate.ts";

/** Counting must not hold a request up: a Redis that takes longer counts as unavailable, and what can't be counted is let through. */
const REDIS_TIMEOUT_MS = 250;

/** Requests per second and caller, counted in Redis for all replicas. @param perSecond 0 for no limit */
export function redisRateLimit(redis: Redis, prefix: string, perSecond: number): RateLimit {
  if (perSecond === 0) return { take: async () => null };
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${prefix}:rate`,
    points: perSecond,
    duration: 1,
    rejectIfRedisNotReady: true,
  });
  return {
    take: async (callerId) => {
      const counted = await attempt(() => limiter.consume(callerId));
      if (counted === null) return null;
      const { consumedPoints, remainingPoints, msBeforeNext } = counted;
      return {
        allowed: consumedPoints <= perSecond,
        limit: perSecond,
        remaining: Math.max(0, remainingPoints),
        resetSeconds: Math.max(1, Math.ceil(msBeforeNext / 1_000)),
      };
    },
  };
}

/** Null when Redis is unavailable; the library throws its counts when they are beyond the limit. */
async function attempt(ask: () => Promise<RateLimiterRes>): Promise<RateLimiterRes | null> {
  try {
    return await withinTime(ask(), REDIS_TIMEOUT_MS);
  } catch (error) {
    return error instanceof RateLimiterRes ? error : null;
  }
}
