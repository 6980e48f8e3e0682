import type { Redis } from "@veil/redis";
import { withinTime } from "@veil/runtime";
import { LRUCache } from "lru-cache";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { AuthGuard } from "./bearer-auth.ts";
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
      const counted = await consume(limiter, callerId);
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

/** Wrong tokens that one address may send in a minute. */
const MOST_FAILURES = 60;
const FAILURE_WINDOW_S = 60;
const MOST_REMEMBERED = 10_000;

/**
 * Counts wrong tokens per address for all replicas. Beyond the limit no token from that address is looked at, unless it was
 * found right there before: those who guess learn nothing, and those who knew go on.
 */
export function redisAuthGuard(redis: Redis, prefix: string): AuthGuard {
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${prefix}:auth-failures`,
    points: MOST_FAILURES,
    duration: FAILURE_WINDOW_S,
    rejectIfRedisNotReady: true,
  });
  const admitted = new LRUCache<string, true>({ max: MOST_REMEMBERED });
  return {
    admit: async (address, callerId) => {
      const known = `${address} ${callerId}`;
      if (admitted.has(known)) return null;
      const standing = await attempt(() => limiter.get(address));
      if (standing !== null && standing.consumedPoints > MOST_FAILURES) return standing.msBeforeNext / 1_000;
      admitted.set(known, true);
      return null;
    },
    fail: async (address) => {
      const counted = await consume(limiter, address);
      return counted !== null && counted.consumedPoints > MOST_FAILURES ? counted.msBeforeNext / 1_000 : null;
    },
  };
}

async function consume(limiter: RateLimiterRedis, key: string): Promise<RateLimiterRes | null> {
  return attempt(() => limiter.consume(key));
}

/** Null when Redis is unavailable; the library throws its counts when they are beyond the limit. */
async function attempt(ask: () => Promise<RateLimiterRes | null>): Promise<RateLimiterRes | null> {
  try {
    return await withinTime(ask(), REDIS_TIMEOUT_MS);
  } catch (error) {
    return error instanceof RateLimiterRes ? error : null;
  }
}
