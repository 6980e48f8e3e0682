import { messages } from "@veil/http-contract";
import type { RequestHandler } from "express";
import { type ApiSecret, callerFinder } from "./callers.ts";
import { HttpError } from "./http-error.ts";
import { requestContext } from "./request-context.ts";
import { tooMany } from "./too-many.ts";

/** Slows those down who try tokens. */
export interface AuthGuard {
  /** Seconds for which a right token is not looked at, because wrong ones came from this address; null when it is. */
  admit(address: string, callerId: string): Promise<number | null>;
  /** Counts a wrong token. @returns seconds to wait when there were too many, else null */
  fail(address: string): Promise<number | null>;
}

/** Lets through who sends one of the secrets as `Authorization: Bearer <secret>`; who may only read, only to read. */
export function bearerAuth(secrets: readonly ApiSecret[], guard: AuthGuard): RequestHandler {
  const find = callerFinder(secrets);
  return async (request, _response, next) => {
    const token = bearerToken(request.get("Authorization"));
    if (token === null) throw unauthorised(messages.notAuthenticated);
    const address = request.ip ?? "";
    const caller = find(token);
    const waitSeconds = await (caller === null ? guard.fail(address) : guard.admit(address, caller.id));
    if (waitSeconds !== null) throw tooMany(messages.tooManyFailures, waitSeconds);
    if (caller === null) throw unauthorised(messages.invalidToken);
    requestContext(request).caller = caller;
    if (caller.readOnly && !readingMethods.has(request.method)) throw new HttpError(403, messages.readOnlyKey);
    next();
  };
}

const readingMethods = new Set(["GET", "HEAD", "OPTIONS"]);

function bearerToken(header: string | undefined): string | null {
  return /^bearer +(\S.*)$/i.exec(header ?? "")?.[1]?.trimEnd() ?? null;
}

function unauthorised(detail: string): HttpError {
  return new HttpError(401, detail, { "WWW-Authenticate": "Bearer" });
}
