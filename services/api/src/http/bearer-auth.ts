import { createHash, timingSafeEqual } from "node:crypto";
import { messages } from "@veil/http-contract";
import type { RequestHandler } from "express";
import { HttpError } from "./http-error.ts";
import { requestContext } from "./request-context.ts";

/**
 * Lets through who sends one of the secrets as `Authorization: Bearer <secret>`.
 *
 * Every secret is compared, by digests of one length, so that the time taken says nothing.
 */
export function bearerAuth(secrets: readonly string[]): RequestHandler {
  const digests = secrets.map(digestOf);
  return (request, _response, next) => {
    const token = bearerToken(request.get("Authorization"));
    if (token === null) throw unauthorised(messages.notAuthenticated);
    const position = positionOf(digestOf(token), digests);
    if (position === null) throw unauthorised(messages.invalidToken);
    requestContext(request).caller = position + 1;
    next();
  };
}

function bearerToken(header: string | undefined): string | null {
  return /^bearer +(\S.*)$/i.exec(header ?? "")?.[1]?.trimEnd() ?? null;
}

function positionOf(digest: Buffer, digests: readonly Buffer[]): number | null {
  let found: number | null = null;
  digests.forEach((known, position) => {
    if (timingSafeEqual(digest, known)) found = position;
  });
  return found;
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function unauthorised(detail: string): HttpError {
  return new HttpError(401, detail, { "WWW-Authenticate": "Bearer" });
}
