import { messages } from "@veil/http-contract";
import type { RequestHandler } from "express";
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
