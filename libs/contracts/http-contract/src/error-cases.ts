import { BODY_LIMIT_BYTES, type ErrorCase } from "./endpoint.ts";
import { KEY_ID_MESSAGE } from "./key-id.ts";
import { messages } from "./messages.ts";
import { pageMessages, QR_MESSAGE, qrQuerySchema, REFRESH_MESSAGE, refreshQuerySchema } from "./queries.ts";
import { FLEET_TOO_LARGE } from "@veil/nodes";
import type { Scope } from "@veil/tokens";
import type { z } from "zod";

/** Errors of any request. */
export const ofAnyone: readonly ErrorCase[] = [
  {
    status: 431,
    name: "headers",
    description: "The headers are larger than 16 KiB.",
    detail: messages.headersTooLarge,
  },
];

/** Errors of any request for documentation. */
export const ofDocs: readonly ErrorCase[] = [
  ...ofAnyone,
  {
    status: 429,
    name: "rate",
    description: "Too many requests for the documentation from this address; `Retry-After` says when to go on.",
    detail: messages.tooManyRequests,
  },
];

/** Errors of any endpoint that needs a token. */
export const guarded: readonly ErrorCase[] = [
  ...ofAnyone,
  { status: 401, name: "missing", description: "No bearer token was sent.", detail: messages.notAuthenticated },
  { status: 401, name: "wrong", description: "The bearer token is not known.", detail: messages.invalidToken },
  { status: 401, name: "expired", description: "The token has expired.", detail: messages.tokenExpired },
  {
    status: 403,
    name: "address",
    description: "The server, or the token, takes requests from certain addresses only, and not from this one.",
    detail: messages.addressNotAllowed,
  },
  {
    status: 429,
    name: "rate",
    description: "More requests in a second than the token may make; `Retry-After` says when to go on.",
    detail: messages.tooManyRequests,
  },
  {
    status: 429,
    name: "failures",
    description: "The token is wrong, and wrong ones came from this address too often. A right one is never refused.",
    detail: messages.tooManyFailures,
  },
  { status: 500, name: "internal", description: "A fault of the service.", detail: messages.internalError },
];

/** The error of a token that lacks an endpoint's scope. */
export function scopeMissing(scope: Scope): ErrorCase {
  const description = "The token lacks the scope that this call needs.";
  return { status: 403, name: "scope", description, detail: messages.missingScope(scope) };
}

/** Errors of any write, beside {@link guarded}. */
export const ofWrites: readonly ErrorCase[] = [
  {
    status: 400,
    name: "idempotency-key",
    description: "`Idempotency-Key` is empty, too long, or contains characters other than visible ASCII.",
    detail: messages.idempotencyKeyMalformed,
  },
  {
    status: 400,
    name: "if-match",
    description: "`If-Match` is malformed, or was sent with a call that does not list it.",
    detail: messages.ifMatchNotTaken,
  },
  {
    status: 422,
    name: "idempotency-key",
    description: "The `Idempotency-Key` was used for another path or body within the last 24 hours.",
    detail: messages.idempotencyKeyReused,
  },
  {
    status: 503,
    name: "idempotency-key",
    description: "The store behind `Idempotency-Key` and `Prefer: respond-async` is away.",
    detail: messages.idempotencyUnavailable,
  },
];

/** The error for another thing whose id follows from an `Idempotency-Key`. @param what what there is under that id */
export function madeBefore(what: string, id: string): ErrorCase {
  return {
    status: 409,
    name: "made-before",
    description: `The \`Idempotency-Key\` made a ${what} more than 24 hours ago, which is still there.`,
    detail: `${what} ${id} was made by such a request before: to make another one, use a new Idempotency-Key`,
  };
}

/** Errors of an endpoint that answers in pages. */
export function pagesOf(query: z.ZodObject): readonly ErrorCase[] {
  return [
    {
      status: 400,
      name: "page",
      description: "`limit` or `after` is out of its range.",
      detail: pageMessages.limit,
    },
    unknownParameter("offset", query),
  ];
}

/** Errors of an endpoint that asks Xray unless the request says not to. */
export const refreshed: readonly ErrorCase[] = [
  {
    status: 400,
    name: "refresh",
    description: "`refresh` is something else than `true` or `false`.",
    detail: REFRESH_MESSAGE,
  },
  unknownParameter("force", refreshQuerySchema),
];

/** Errors of an endpoint that draws a QR code. */
export const drawn: readonly ErrorCase[] = [
  { status: 400, name: "of", description: "`of` is neither `subscription` nor `link`.", detail: QR_MESSAGE },
  unknownParameter("size", qrQuerySchema),
];

/** A query with something that its endpoint does not take. @param name what may be taken for a parameter of it */
export function unknownParameter(name: string, query: z.ZodObject): ErrorCase {
  return {
    status: 400,
    name: "unknown-parameter",
    description: "The query has a parameter that this call does not take.",
    detail: messages.unknownParameter(name, Object.keys(query.shape)),
  };
}

/** Errors of any endpoint of one key. */
export const ofOneKey: readonly ErrorCase[] = [
  {
    status: 400,
    name: "key-id",
    description: "`key_id` is neither a whole number from 0 to 2^53-1 nor a UUID.",
    detail: KEY_ID_MESSAGE,
  },
  { status: 404, name: "key-not-found", description: "There is no such key.", detail: messages.keyNotFound(999) },
];

/** Errors of any endpoint that reads a body, needed or not. */
export const withBody: readonly ErrorCase[] = bodyErrors(BODY_LIMIT_BYTES);

/** {@link withBody} of an endpoint with a limit of its own. */
export function bodyErrors(limitBytes: number): readonly ErrorCase[] {
  return [
    { status: 400, name: "json", description: "The body is not JSON.", detail: messages.malformedJson },
    { status: 413, name: "size", description: "The body is too large.", detail: messages.bodyTooLarge(limitBytes) },
    {
      status: 415,
      name: "content-type",
      description: "The body's `Content-Type` is not JSON in UTF-8.",
      detail: messages.unsupportedContentType,
    },
    {
      status: 415,
      name: "content-encoding",
      description: "The body has an unsupported `Content-Encoding`.",
      detail: messages.unsupportedContentEncoding,
    },
  ];
}

/** The stored data can't be read at the moment. */
export const storeAway: ErrorCase = {
  status: 503,
  name: "store-away",
  description: "The key store does not answer; `Retry-After` says when to try again.",
  detail: messages.storeUnavailable,
};

/** There can be no link. */
export const linkNotConfigured: ErrorCase = {
  status: 500,
  name: "not-configured",
  description: "The server has no Reality public key, or no domain, set.",
  detail: messages.notConfigured("Reality public key"),
};

/** There is no link for this key. */
export const noNode: ErrorCase = {
  status: 409,
  name: "no-node",
  description:
    "No host of an active node is for a group of the key: none at all, or its nodes are being filled or drained.",
  detail: messages.noNode,
};

/** A write that was refused or did not come to an end in time. */
export function writeFailed(action: string, reason: string): ErrorCase {
  return {
    status: 500,
    name: "not-done",
    description: "The operation failed or timed out; nothing was changed.",
    detail: messages.failedTo(action, reason),
  };
}

/** A write for which something the service needs is away. */
export function writeUnavailable(action: string): ErrorCase {
  return {
    status: 503,
    name: "unavailable",
    description: "Something that the service needs is away; `Retry-After` says when to try again.",
    detail: messages.failedTo(action, "the job queue is unavailable"),
  };
}

/**
 * All that may happen to a write of one thing.
 *
 * @param action what it does, as its failures call it
 * @param own what may happen to it alone
 */
export function ofWrite(action: string, own: readonly ErrorCase[]): readonly ErrorCase[] {
  return [...guarded, ...ofWrites, ...withBody, ...own, writeFailed(action, "timed out"), writeUnavailable(action)];
}

/** A write of something that is the installation's, by a token with an owner. @param what in the plural */
export function ofInstallation(what: string): ErrorCase {
  return {
    status: 403,
    name: "owned",
    description: `The token has an owner: ${what} are the installation's.`,
    detail: messages.nodesOfInstallation,
  };
}

/** A write that makes the nodes and hosts, which are stored together, too long. */
export const fleetTooLarge: ErrorCase = {
  status: 409,
  name: "size",
  description: "All nodes and hosts together, with their groups, inbounds and texts, would be too large.",
  detail: FLEET_TOO_LARGE,
};
