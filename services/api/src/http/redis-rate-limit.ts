import type { Redis } from "@veil/redis";
import { withinTime } from "@veil/runtime";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { RateLimit } from "./limit-rate.ts";

/** Counting must not hold a request up: a Redis that takes longer counts as unavailable, and what can't be counted is let through. */
const REDIS_TIMEOUT_MS = 250;

/** No caller's limit is as high as this: the count decides how many requests each may make. */
const BEYOND_ALL_LIMITS = 1_000_000;

/**
 * Requests per second and caller, counted in Redis for all replicas.
 *
 * @param usual for callers without a limit of their own; 0 for no limit
 */
export function redisRateLimit(redis: Redis, prefix: string, usual: number): RateLimit {
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${prefix}:rate`,
    points: BEYOND_ALL_LIMITS,
    duration: 1,
    rejectIfRedisNotReady: true,
  });
  return {
    take: async (callerId, own) => {
      const perSecond = own ?? usual;
      if (perSecond === 0) return null;
      const counted = await attempt(() => limiter.consume(callerId));
      if (counted === null) return null;
      const { consumedPoints, msBeforeNext } = counted;
      return {
        allowed: consumedPoints <= perSecond,
        limit: perSecond,
        remaining: Math.max(0, perSecond - consumedPoints),
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
