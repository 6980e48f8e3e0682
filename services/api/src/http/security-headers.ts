import type { RequestHandler } from "express";
import helmet from "helmet";

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
