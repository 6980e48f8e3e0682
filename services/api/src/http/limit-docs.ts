import { messages } from "@veil/http-contract";
import { networkBucket } from "@veil/runtime";
import type { RequestHandler } from "express";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { tooMany } from "./http-error.ts";
import { requestContext } from "./request-context.ts";

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
