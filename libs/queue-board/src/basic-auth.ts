import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";

/** The only user there is. */
const user = "admin";
/** Wrong passwords within a minute, from everywhere together, after which none is looked at until the minute is over. */
const mostFailures = 20;
const windowMs = 60_000;

/** Asks for the password of the user `admin`. @param now Milliseconds */
export function basicAuth(password: string, now: () => number): RequestHandler {
  const wanted = digestOf(`Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
  let failures = 0;
  let windowEndsAt = 0;
  return (request, response, next) => {
    if (now() >= windowEndsAt) failures = 0;
    if (failures >= mostFailures) {
      const waitSeconds = Math.ceil((windowEndsAt - now()) / 1_000);
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
    if (sent !== undefined) {
      if (failures === 0) windowEndsAt = now() + windowMs;
      failures += 1;
    }
    response
      .status(401)
      .set("WWW-Authenticate", 'Basic realm="queues", charset="UTF-8"')
      .json({ detail: "Unauthorized" });
  };
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
