import { createHash, hash, timingSafeEqual } from "node:crypto";
import { messages } from "@veil/http-contract";
import type { RequestHandler } from "express";
import { type FailureLimit, limitFailure } from "./failure-limit.ts";
import { HttpError } from "./http-error.ts";
import { requestContext } from "./request-context.ts";

/** A secret that requests may carry. */
export interface ApiSecret {
  /** Names the caller in the log; null for a secret without a name. */
  readonly name: string | null;
  /** What may stand behind `Bearer`: the secret, and with its name before it. */
  readonly tokens: readonly [string, ...string[]];
  readonly readOnly: boolean;
}

/** Who sent a request. */
export interface Caller {
  /** The name of the secret, or its position counted from 1. */
  readonly label: string | number;
  /** The same for one secret wherever it stands in the settings; reveals nothing of it. */
  readonly id: string;
  readonly readOnly: boolean;
}

/**
 * Accepts requests that carry a known secret as `Authorization: Bearer <secret>`; read-only secrets may only use read methods.
 *
 * @param failures counts wrong tokens
 */
export function bearerAuth(secrets: readonly ApiSecret[], failures: FailureLimit): RequestHandler {
  const find = callerFinder(secrets);
  return async (request, _response, next) => {
    const token = bearerToken(request.get("Authorization"));
    if (token === null) throw unauthorized(messages.notAuthenticated);
    const caller = find(token);
    if (caller === null) {
      throw await limitFailure(failures, request, unauthorized(messages.invalidToken), messages.tooManyFailures);
    }
    requestContext(request).caller = caller;
    if (caller.readOnly && !READ_METHODS.has(request.method)) throw new HttpError(403, messages.readOnlyKey);
    next();
  };
}

const READ_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

function bearerToken(header: string | undefined): string | null {
  return /^bearer +(\S.*)$/i.exec(header ?? "")?.[1]?.trimEnd() ?? null;
}

function unauthorized(detail: string): HttpError {
  return new HttpError(401, detail, { "WWW-Authenticate": "Bearer" });
}

/** Finds callers by what they send. Every token is compared, by digests of one length, so that the time says nothing. */
export function callerFinder(secrets: readonly ApiSecret[]): (token: string) => Caller | null {
  const known = secrets.flatMap(({ name, tokens, readOnly }, position) => {
    const id = createHash("sha256").update("caller ").update(tokens[0]).digest("hex").slice(0, 32);
    const caller: Caller = { label: name ?? position + 1, id, readOnly };
    return tokens.map((token) => ({ digest: digestOf(token), caller }));
  });
  return (token) => {
    const digest = digestOf(token);
    let found: Caller | null = null;
    for (const entry of known) {
      if (timingSafeEqual(digest, entry.digest)) found = entry.caller;
    }
    return found;
  };
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
