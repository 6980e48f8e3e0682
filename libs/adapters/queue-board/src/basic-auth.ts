import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import { RateLimiterMemory } from "rate-limiter-flexible";

/** The only user. */
const USER = "admin";
/** Wrong passwords within a minute, from everywhere together, after which every request is refused until the minute is over. */
const MOST_FAILURES = 20;
const WINDOW_SECONDS = 60;
const EVERYONE = "everyone";

/** Asks for the password of the user `admin`. */
export function basicAuth(password: string): RequestHandler {
  const wanted = digestOf(`Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}`);
  const failures = new RateLimiterMemory({ points: MOST_FAILURES, duration: WINDOW_SECONDS });
  return async (request, response, next) => {
    const used = await failures.get(EVERYONE);
    if (used !== null && used.remainingPoints === 0 && used.msBeforeNext > 0) {
      const waitSeconds = Math.ceil(used.msBeforeNext / 1_000);
      response.status(429).set("Retry-After", String(waitSeconds)).json({ detail: "Too Many Requests" });
      return;
    }
    const sent = request.get("Authorization");
    // Digests have one length, and comparing them takes one time.
    if (timingSafeEqual(digestOf(sent ?? ""), wanted)) {
      next();
      return;
    }
    // A browser asks without a password first.
    if (sent !== undefined) await failures.penalty(EVERYONE);
    response
      .status(401)
      .set("WWW-Authenticate", 'Basic realm="queues", charset="UTF-8"')
      .json({ detail: "Unauthorized" });
  };
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
