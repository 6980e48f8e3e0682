import { messages } from "@veil/http-contract";
import type { RequestHandler } from "express";
import { type ApiSecret, callerFinder } from "./callers.ts";
import { HttpError, tooMany } from "./http-error.ts";
import { requestContext } from "./request-context.ts";

/** Slows those down who try tokens. */
export interface AuthGuard {
  /** Seconds for which a right token is not looked at, because wrong ones came from this address; null when it is. */
  admit(address: string, callerId: string): Promise<number | null>;
  /** Counts a wrong token. @returns seconds to wait when there were too many, else null */
  fail(address: string): Promise<number | null>;
}

/** Accepts requests that carry a known secret as `Authorization: Bearer <secret>`; read-only secrets may only use read methods. */
export function bearerAuth(secrets: readonly ApiSecret[], guard: AuthGuard): RequestHandler {
  const find = callerFinder(secrets);
  return async (request, _response, next) => {
    const token = bearerToken(request.get("Authorization"));
    if (token === null) throw unauthorized(messages.notAuthenticated);
    const address = request.ip ?? "";
    const caller = find(token);
    const waitSeconds = await (caller === null ? guard.fail(address) : guard.admit(address, caller.id));
    if (waitSeconds !== null) throw tooMany(messages.tooManyFailures, waitSeconds);
    if (caller === null) throw unauthorized(messages.invalidToken);
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
