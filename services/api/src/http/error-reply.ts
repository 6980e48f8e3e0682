import { type ErrorBody, InvalidRequestError, messages } from "@veil/http-contract";
import { StoreUnavailableError } from "@veil/key-lifecycle";
import {
  JobNotFoundError,
  KeyNotFoundError,
  LinkNotConfiguredError,
  OutcomeUnknownError,
  WriteFailedError,
  WriteMismatchError,
  WriteRecordsUnavailableError,
  WriteUnavailableError,
} from "../errors.ts";
import { HttpError } from "./http-error.ts";
import type { HangUpReply, JsonReply } from "./reply.ts";

/** How a failure is answered, and how loudly it is logged. `expected` failures are told by the access log alone. */
export interface ErrorReply {
  readonly reply: JsonReply | HangUpReply;
  readonly severity: "expected" | "degraded" | "fault";
}

/** What callers are told to wait when a dependency is away: the usual time of a restart. */
const retryAfterSeconds = "5";

/** The one table from failures to answers. What it doesn't know is a fault of the service, told without details. */
export function errorReply(error: unknown): ErrorReply {
  if (error instanceof HttpError) return expected(error.status, error.message, error.headers);
  if (error instanceof InvalidRequestError) return expected(400, error.message);
  if (error instanceof KeyNotFoundError) return expected(404, messages.keyNotFound(error.keyId));
  if (error instanceof JobNotFoundError) return expected(404, messages.jobNotFound(error.jobId));
  if (error instanceof WriteMismatchError) return expected(422, messages.idempotencyKeyReused);
  if (error instanceof WriteRecordsUnavailableError) {
    const reply = json(503, messages.idempotencyUnavailable, { "Retry-After": retryAfterSeconds });
    return { reply, severity: "degraded" };
  }
  if (error instanceof WriteUnavailableError) {
    const detail = messages.failedTo(error.action, error.reason);
    return { reply: json(503, detail, { "Retry-After": retryAfterSeconds }), severity: "degraded" };
  }
  if (error instanceof WriteFailedError) {
    return { reply: json(500, messages.failedTo(error.action, error.reason)), severity: "degraded" };
  }
  if (error instanceof StoreUnavailableError) {
    return { reply: json(500, messages.storeUnavailable), severity: "degraded" };
  }
  if (error instanceof LinkNotConfiguredError) {
    return { reply: json(500, messages.notConfigured(error.missing)), severity: "degraded" };
  }
  if (error instanceof OutcomeUnknownError) return { reply: { kind: "hang-up" }, severity: "fault" };
  return { reply: json(500, messages.internalError), severity: "fault" };
}

function expected(status: number, detail: string, headers?: Readonly<Record<string, string>>): ErrorReply {
  return { reply: json(status, detail, headers), severity: "expected" };
}

function json(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): JsonReply {
  const body: ErrorBody = { detail };
  return { kind: "json", status, body, headers };
}
