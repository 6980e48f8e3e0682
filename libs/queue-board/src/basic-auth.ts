import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import { RateLimiterMemory } from "rate-limiter-flexible";

/** The only user there is. */
const user = "admin";
/** Wrong passwords within a minute, from everywhere together, after which none is looked at until the minute is over. */
const mostFailures = 20;
const windowSeconds = 60;
const everyone = "everyone";

/** Asks for the password of the user `admin`. */
export function basicAuth(password: string): RequestHandler {
  const wanted = digestOf(`Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
  const failures = new RateLimiterMemory({ points: mostFailures, duration: windowSeconds });
  return async (request, response, next) => {
    const known = await failures.get(everyone);
    if (known !== null && known.remainingPoints === 0 && known.msBeforeNext > 0) {
      const waitSeconds = Math.ceil(known.msBeforeNext / 1_000);
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
    if (sent !== undefined) await failures.penalty(everyone);
    response
      .status(401)
      .set("WWW-Authenticate", 'Basic realm="queues", charset="UTF-8"')
      .json({ detail: "Unauthorized" });
  };
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
