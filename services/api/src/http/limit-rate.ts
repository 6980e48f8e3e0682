import { messages } from "@veil/http-contract";
import { networkBucket } from "@veil/runtime";
import type { RequestHandler } from "express";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { tooMany } from "./http-error.ts";
import { requestContext } from "./request-context.ts";

/** The rest of a caller's requests in the current second. */
export interface Allowance {
  readonly allowed: boolean;
  /** Requests per second. */
  readonly limit: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** Counts requests of callers over all replicas. */
export interface RateLimit {
  /**
   * @param perSecond requests that the caller may make; null for what everybody may
   * @returns null when there is no limit, or nothing is known because Redis is unavailable
   */
  take(callerId: string, perSecond: number | null): Promise<Allowance | null>;
}

/** Answers 429 beyond the limit, and says what is left in the headers of the IETF draft "RateLimit header fields". */
export function limitRate(rate: RateLimit): RequestHandler {
  return async (request, response, next) => {
    const { caller } = requestContext(request);
    const allowance = caller === null ? null : await rate.take(caller.id, caller.rate);
    if (allowance !== null) {
      const { limit, remaining, resetSeconds } = allowance;
      response.set("RateLimit-Policy", `"token";q=${limit};w=1`);
      response.set("RateLimit", `"token";r=${remaining};t=${resetSeconds}`);
      if (!allowance.allowed) throw tooMany(messages.tooManyRequests, resetSeconds);
    }
    next();
  };
}

/** A page takes about six requests, so that an office behind one address has its fill. */
const MOST_REQUESTS = 600;
const WINDOW_S = 60;

/** Bounds what one network reads of the documentation, which takes no token, from this replica in a minute. */
export function limitDocs(): RequestHandler {
  const limiter = new RateLimiterMemory({ points: MOST_REQUESTS, duration: WINDOW_S });
  return async (request, _response, next) => {
    // The page that was asked for, or whose file.
    requestContext(request).route = request.baseUrl;
    try {
      await limiter.consume(networkBucket(request.ip));
    } catch (error) {
      throw error instanceof RateLimiterRes ? tooMany(messages.tooManyRequests, error.msBeforeNext / 1_000) : error;
    }
    next();
  };
}
