import { bodyLimitBytes, type ErrorCase } from "./endpoint.ts";
import { messages } from "./messages.ts";

/** What may happen to any endpoint that needs a token. */
export const guarded: readonly ErrorCase[] = [
  { status: 401, name: "missing", description: "No bearer token was sent.", detail: messages.notAuthenticated },
  { status: 401, name: "wrong", description: "The bearer token is not known.", detail: messages.invalidToken },
  { status: 500, name: "internal", description: "A fault of the service.", detail: messages.internalError },
];

/** What may happen to any endpoint of one key. */
export const ofOneKey: readonly ErrorCase[] = [
  {
    status: 400,
    name: "key-id",
    description: "`key_id` is not a whole number, is negative or beyond 2^53-1.",
    detail: `key_id must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  },
  { status: 404, name: "key-not-found", description: "There is no such key.", detail: messages.keyNotFound(999) },
];

/** What may happen to any endpoint that reads a body, needed or not. */
export const withBody: readonly ErrorCase[] = [
  { status: 400, name: "json", description: "The body is not JSON.", detail: messages.malformedJson },
  { status: 413, name: "size", description: "The body is too large.", detail: messages.bodyTooLarge(bodyLimitBytes) },
  {
    status: 415,
    name: "content-type",
    description: "There is a body and it is not declared as JSON in UTF-8.",
    detail: messages.unsupportedContentType,
  },
  {
    status: 415,
    name: "content-encoding",
    description: "The body is compressed in a way that is not known.",
    detail: messages.unsupportedContentEncoding,
  },
];

/** The stored data can't be read at the moment. */
export const storeAway: ErrorCase = {
  status: 500,
  name: "store-away",
  description: "The key store does not answer.",
  detail: messages.storeUnavailable,
};

/** A write that was refused or did not come to an end in time. */
export function writeFailed(action: string, reason: string): ErrorCase {
  return {
    status: 500,
    name: "not-done",
    description: "It could not be done, or not in time; nothing was changed.",
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
