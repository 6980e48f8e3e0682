import { createHash, timingSafeEqual } from "node:crypto";
import { networkBucket } from "@veil/runtime";
import type { RequestHandler } from "express";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

/** The only user. */
const USER = "admin";
/** Wrong passwords of one network within a minute, after which the next ones are answered 429. The right one never is. */
const MOST_FAILURES = 20;
const WINDOW_SECONDS = 60;

/** Asks for the password of the user `admin`. */
export function basicAuth(password: string): RequestHandler {
  const wanted = digestOf(`Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}`);
  const failures = new RateLimiterMemory({ points: MOST_FAILURES, duration: WINDOW_SECONDS });
  return async (request, response, next) => {
    const sent = request.get("Authorization");
    // Digests have one length, and comparing them takes one time.
    if (timingSafeEqual(digestOf(sent ?? ""), wanted)) {
      next();
      return;
    }
    // A browser asks without a password first.
    const waitSeconds = sent === undefined ? null : await countFailure(failures, request.socket.remoteAddress);
    if (waitSeconds !== null) {
      response.status(429).set("Retry-After", String(waitSeconds)).json({ detail: "Too Many Requests" });
      return;
    }
    response
      .status(401)
      .set("WWW-Authenticate", 'Basic realm="queues", charset="UTF-8"')
      .json({ detail: "Unauthorized" });
  };
}

/** @returns seconds to wait when there were too many, else null */
async function countFailure(failures: RateLimiterMemory, address: string | undefined): Promise<number | null> {
  try {
    await failures.consume(networkBucket(address));
    return null;
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    return Math.max(1, Math.ceil(error.msBeforeNext / 1_000));
  }
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
