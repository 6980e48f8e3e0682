import type { Redis } from "@veil/redis";
import { networkBucket, withinTime } from "@veil/runtime";
import type { Request } from "express";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { type HttpError, tooMany } from "./http-error.ts";

/**
 * Slows down those who guess secrets, per address, of IPv6 per /64. It is asked about failures alone, so that a right secret
 * is never refused: not after a restart, not by a new replica, and not because others guess from the same address.
 */
export interface FailureLimit {
  /** Counts a failure. @returns seconds to wait when there were too many within a minute, else null */
  fail(address: string | undefined): Promise<number | null>;
}

/** Failures that one network may have in a minute before they are answered 429. */
export const MOST_FAILURES = 60;
const FAILURE_WINDOW_S = 60;

/** Counting must not hold a request up: a Redis that takes longer counts as unavailable. */
const REDIS_TIMEOUT_MS = 250;

/**
 * Counts failures for all replicas, and for this one alone while Redis is unavailable or takes too long.
 *
 * A flood stays cheap: there are at most 65,536 counters of a minute each, wherever the failures come from, and what is
 * beyond the limit is not asked of Redis any more.
 *
 * @param keyPrefix names the kind of secret, and stands before every counter in Redis
 */
export function redisFailureLimit(redis: Redis, keyPrefix: string): FailureLimit {
  const window = { keyPrefix, points: MOST_FAILURES, duration: FAILURE_WINDOW_S };
  const limiter = new RateLimiterRedis({
    ...window,
    storeClient: redis,
    rejectIfRedisNotReady: true,
    inMemoryBlockOnConsumed: MOST_FAILURES + 1,
  });
  const alone = new RateLimiterMemory(window);
  return {
    fail: async (address) => {
      const network = networkBucket(address);
      const counted = () => withinTime(limiter.consume(network), REDIS_TIMEOUT_MS);
      return waitOf(counted).catch(() => waitOf(() => alone.consume(network)));
    },
  };
}

/** Seconds to wait, null below the limit: beyond it the library throws its counts. */
async function waitOf(consume: () => Promise<RateLimiterRes>): Promise<number | null> {
  try {
    await consume();
    return null;
  } catch (error) {
    if (error instanceof RateLimiterRes) return error.msBeforeNext / 1_000;
    throw error;
  }
}

/**
 * Counts a request's failure.
 *
 * @param failure what it is answered while there are few
 * @param detail what it is answered with status 429 beyond the limit
 */
export async function limitFailure(
  limit: FailureLimit,
  request: Pick<Request, "ip">,
  failure: HttpError,
  detail: string,
): Promise<HttpError> {
  const waitSeconds = await limit.fail(request.ip);
  return waitSeconds === null ? failure : tooMany(detail, waitSeconds);
}
