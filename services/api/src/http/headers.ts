import { endpoints, messages } from "@veil/http-contract";
import cors from "cors";
import type { RequestHandler } from "express";
import helmet from "helmet";
import { HttpError } from "./http-error.ts";

/**
 * Helmet's headers for answers that are data. The pages of the documentation bring a policy of their own.
 *
 * Strict-Transport-Security is left to whoever terminates TLS: this service speaks plain HTTP, and a domain's other
 * services must not be bound by it.
 */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
    },
    strictTransportSecurity: false,
  });
}

/** The origins whose web pages may read the answers: any, the listed ones, or none. Never with credentials. */
export type OriginPolicy = "any" | "off" | readonly string[];

const EXPOSED_HEADERS = [
  "X-Request-Id",
  "Retry-After",
  "Allow",
  "WWW-Authenticate",
  "ETag",
  "Location",
  "Preference-Applied",
  "Idempotency-Replayed",
  "RateLimit",
  "RateLimit-Policy",
  "Veil-Outcome",
];
const METHODS = [...new Set(["HEAD", ...Object.values(endpoints).map(({ method }) => method.toUpperCase())])];
const PREFLIGHT_AGE_SECONDS = 600;

/** Answers preflights and marks answers as readable. A plain OPTIONS request goes on to the routes. */
export function crossOrigin(policy: OriginPolicy): RequestHandler {
  if (policy === "off") return (_request, _response, next) => next();

  const options = {
    origin: policy === "any" ? "*" : [...policy],
    methods: METHODS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_AGE_SECONDS,
  };
  const answerPreflight = cors(options);
  const markAnswer = cors({ ...options, preflightContinue: true });
  return (request, response, next) => {
    const isPreflight = request.method === "OPTIONS" && request.get("Access-Control-Request-Method") !== undefined;
    (isPreflight ? answerPreflight : markAnswer)(request, response, next);
  };
}

/** Answers belong to one caller and change at any time: nobody may reuse them without asking again. */
export function privateAnswers(): RequestHandler {
  return (_request, response, next) => {
    response.set("Cache-Control", "private, no-cache");
    next();
  };
}

/**
 * Lets `If-None-Match` be answered with 304 whatever the request says to caches.
 *
 * `fetch` adds `Cache-Control: no-cache` to every request with a condition (Fetch standard, HTTP-network-or-cache fetch), and
 * Express then never answers 304. The directive speaks to caches on the way (RFC 9111, 5.2.1.4), and this is the origin.
 */
export function conditionalReads(): RequestHandler {
  return (request, _response, next) => {
    if (request.headers["if-none-match"] !== undefined) delete request.headers["cache-control"];
    next();
  };
}

/** Refuses paths whose percent-encoding can't be decoded, on any route. */
export function refuseMalformedPath(): RequestHandler {
  return (request, _response, next) => {
    if (!isDecodable(request.path)) throw new HttpError(400, messages.malformedPath);
    next();
  };
}

/** Whether the percent-encoding of a path can be decoded. */
export function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
