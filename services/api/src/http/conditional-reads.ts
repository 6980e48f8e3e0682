import type { RequestHandler } from "express";

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
