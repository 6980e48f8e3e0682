import { createHash, hash, timingSafeEqual } from "node:crypto";
import { messages } from "@veil/http-contract";
import type { Clock } from "@veil/keys";
import { type ApiToken, READ_SCOPES } from "@veil/tokens";
import type { RequestHandler } from "express";
import type { Caller } from "../ports.ts";
import { isFrom } from "./allow-addresses.ts";
import { type FailureLimit, limitFailure } from "./failure-limit.ts";
import { HttpError } from "./http-error.ts";
import { requestContext } from "./request-context.ts";

/** A secret that requests may carry. */
export interface ApiSecret {
  /** Names the caller in the log; null for a secret without a name. */
  readonly name: string | null;
  /** The values that may stand behind `Bearer`: the secret, and with its name before it. */
  readonly tokens: readonly [string, ...string[]];
  readonly readOnly: boolean;
}

/** The tokens that callers come with besides. */
export interface TokenFinder {
  /**
   * The token of this text, null when it is none.
   *
   * @throws {StoreUnavailableError} when it is not known, and the store is unavailable
   */
  find(text: string): Promise<ApiToken | null>;
}

export interface BearerAuthParts {
  /** Those that count now: the same list until they change. */
  readonly secrets: () => readonly ApiSecret[];
  readonly tokens: TokenFinder;
  /** Counts wrong tokens. */
  readonly failures: FailureLimit;
  readonly clock: Pick<Clock, "now">;
}

/** Accepts requests that carry a known secret or token as `Authorization: Bearer <token>`, from where and while it is taken. */
export function bearerAuth({ secrets, tokens, failures, clock }: BearerAuthParts): RequestHandler {
  let known = secrets();
  let find = callerFinder(known);
  const findCaller = (token: string): Caller | null => {
    if (known !== secrets()) find = callerFinder((known = secrets()));
    return find(token);
  };
  return async (request, _response, next) => {
    const token = bearerToken(request.get("Authorization"));
    if (token === null) throw unauthorized(messages.notAuthenticated);
    const holder = findCaller(token);
    const issued = holder === null ? await tokens.find(token) : null;
    const caller = holder ?? (issued === null ? null : bearerOf(issued));
    if (caller === null) {
      throw await limitFailure(failures, request, unauthorized(messages.invalidToken), messages.tooManyFailures);
    }
    const context = requestContext(request);
    context.caller = caller;
    context.currentCaller = async () => {
      const current = issued === null ? null : await tokens.find(token);
      if (current === null) return findCaller(token);
      return isExpired(current, clock.now()) || !isFrom(request.ip, current.addresses) ? null : bearerOf(current);
    };
    if (issued !== null && isExpired(issued, clock.now())) throw unauthorized(messages.tokenExpired);
    if (!isFrom(request.ip, caller.addresses)) throw new HttpError(403, messages.addressNotAllowed);
    next();
  };
}

function bearerOf({ id, name, scopes, owner, addresses, rate }: ApiToken): Caller {
  return { label: name, id: `token-${id}`, scopes, owner, addresses, rate };
}

/** @param now milliseconds since the epoch */
function isExpired({ expiresAt }: ApiToken, now: number): boolean {
  return expiresAt !== null && expiresAt * 1_000 <= now;
}

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
    const scopes = readOnly ? READ_SCOPES : (["*"] as const);
    const caller: Caller = { label: name ?? position + 1, id, scopes, owner: null, addresses: null, rate: null };
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
