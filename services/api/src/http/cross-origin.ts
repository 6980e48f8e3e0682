import cors from "cors";
import type { RequestHandler } from "express";

/** Which web pages may read the answers: those of any origin, of the listed ones, or none. Never with credentials. */
export type OriginPolicy = "any" | "off" | readonly string[];

const exposedHeaders = [
  "X-Request-Id",
  "Retry-After",
  "Allow",
  "WWW-Authenticate",
  "ETag",
  "Location",
  "Idempotency-Replayed",
  "RateLimit",
  "RateLimit-Policy",
];
const preflightAgeSeconds = 600;

/** Answers preflights and marks answers as readable. A plain OPTIONS request goes on to the routes. */
export function crossOrigin(policy: OriginPolicy): RequestHandler {
  if (policy === "off") return (_request, _response, next) => next();

  const options = {
    origin: policy === "any" ? "*" : [...policy],
    methods: ["GET", "HEAD", "POST", "DELETE"],
    exposedHeaders,
    maxAge: preflightAgeSeconds,
  };
  const answerPreflight = cors(options);
  const markAnswer = cors({ ...options, preflightContinue: true });
  return (request, response, next) => {
    const isPreflight = request.method === "OPTIONS" && request.get("Access-Control-Request-Method") !== undefined;
    (isPreflight ? answerPreflight : markAnswer)(request, response, next);
  };
}
