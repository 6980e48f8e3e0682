import { type ErrorBody, errorBodySchema, InvalidRequestError, messages } from "@veil/http-contract";
import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import type { ErrorRequestHandler } from "express";
import {
  isIndeterminate,
  ContradictionError,
  DeviceNotFoundError,
  ExternalIdNotFoundError,
  IdempotencyKeyReusedError,
  JobNotFoundError,
  KeyNotFoundError,
  LinkNotConfiguredError,
  HostNotFoundError,
  NoNodeForKeyError,
  NodeNotFoundError,
  NodesOfInstallationError,
  OutcomeUnknownError,
  RightsBeyondError,
  TokenNotFoundError,
  TooManyOwnStreamsError,
  TooManyStreamsError,
  WebhookNotFoundError,
  WebhooksNotConfiguredError,
  WriteFailedError,
  WriteRecordsUnavailableError,
  WriteRejectedError,
  WriteUnavailableError,
} from "../errors.ts";
import type { FailureClass } from "../idempotency/run-once.ts";
import type { HangUpReply, JsonReply } from "../reply/reply.ts";
import { HttpError } from "./http-error.ts";
import { requestContext } from "./request-context.ts";
import { sendReply } from "./send-reply.ts";

/** The response to a failure and its log level; `expected` failures appear only in the access log. */
interface ErrorReply {
  readonly reply: JsonReply | HangUpReply;
  readonly severity: "expected" | "degraded" | "fault";
}

/** How long callers are asked to wait when a dependency is unavailable: the usual time of a restart. */
const RETRY_AFTER_SECONDS = "5";

/** Answers every failure by the table of {@link errorReply}, and logs those that someone should know of. */
export function handleError(): ErrorRequestHandler {
  return async (error: unknown, request, response, _next) => {
    const { log } = requestContext(request);
    if (response.headersSent) {
      log[isClientGone(error) ? "debug" : "error"]({ err: error }, "answer broken off");
      request.socket.destroy();
      return;
    }
    const { reply, severity } = errorReply(error);
    if (severity === "degraded") log.warn({ err: error }, "request failed");
    if (severity === "fault") log.error({ err: error }, "request failed");
    await sendReply(reply, request, response);
  };
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}

const CONTRADICTION_STATUS = { taken: 409, refused: 400, outdated: 412 } as const;

/**
 * The one table from failures to answers. A failure that it doesn't know is a fault of the service, answered without
 * details.
 */
export function errorReply(error: unknown): ErrorReply {
  if (error instanceof HttpError) return expected(error.status, error.message, error.headers);
  if (error instanceof InvalidRequestError) return expected(400, error.message);
  if (error instanceof KeyNotFoundError) return expected(404, messages.keyNotFound(error.keyId));
  if (error instanceof ExternalIdNotFoundError) {
    return expected(404, messages.externalIdNotFound(error.externalId));
  }
  if (error instanceof DeviceNotFoundError) return expected(404, messages.deviceNotFound(error.deviceId));
  if (error instanceof WebhookNotFoundError) return expected(404, messages.webhookNotFound(error.webhookId));
  if (error instanceof WebhooksNotConfiguredError) return expected(500, messages.webhooksNotConfigured);
  if (error instanceof NodeNotFoundError) return expected(404, messages.nodeNotFound(error.node));
  if (error instanceof HostNotFoundError) return expected(404, messages.hostNotFound(error.hostId));
  if (error instanceof NodesOfInstallationError) return expected(403, messages.nodesOfInstallation);
  if (error instanceof TokenNotFoundError) return expected(404, messages.tokenNotFound(error.tokenId));
  if (error instanceof RightsBeyondError) return expected(403, messages.rightsBeyond(error.beyond));
  if (error instanceof ContradictionError) return expected(CONTRADICTION_STATUS[error.kind], error.message);
  if (error instanceof NoNodeForKeyError) return expected(409, messages.noNode);
  if (error instanceof JobNotFoundError) return expected(404, messages.jobNotFound(error.jobId));
  if (error instanceof IdempotencyKeyReusedError) return expected(422, messages.idempotencyKeyReused);
  if (error instanceof WriteRecordsUnavailableError) {
    return unavailable(messages.idempotencyUnavailable);
  }
  if (error instanceof TooManyOwnStreamsError) return unavailable(messages.tooManyOwnStreams(error.most));
  if (error instanceof TooManyStreamsError) return unavailable(messages.tooManyStreams);
  if (error instanceof WriteUnavailableError) {
    return unavailable(messages.failedTo(error.action, error.reason));
  }
  if (error instanceof WriteFailedError) {
    return { reply: json(500, messages.failedTo(error.action, error.reason)), severity: "degraded" };
  }
  if (error instanceof StoreUnavailableError) {
    return unavailable(messages.storeUnavailable);
  }
  // Which one it is stands in the log.
  if (error instanceof UnreadableRecordError) {
    return { reply: json(500, messages.recordUnreadable), severity: "fault" };
  }
  if (error instanceof LinkNotConfiguredError) {
    return { reply: json(500, messages.notConfigured(error.missing)), severity: "degraded" };
  }
  if (error instanceof OutcomeUnknownError) return { reply: { kind: "hang-up" }, severity: "fault" };
  return { reply: json(500, messages.internalError), severity: "fault" };
}

/** The `detail` that a failure is answered with. */
export function errorDetail(error: unknown): string {
  const { reply } = errorReply(error);
  return reply.kind === "json" ? errorBodySchema.parse(reply.body).detail : messages.internalError;
}

/** Classifies the failure of a write for those that repeat it. */
export function classifyFailure(error: unknown): FailureClass {
  if (isIndeterminate(error)) return { end: "indeterminate" };
  const { reply } = errorReply(error);
  if (reply.kind === "hang-up") return { end: "indeterminate" };
  if (error instanceof WriteRejectedError) return { end: "rejected", outcome: reply };
  if (error instanceof WriteFailedError) return { end: "retryable", outcome: reply };
  return reply.status < 500 ? { end: "final", outcome: reply } : { end: "indeterminate" };
}

function expected(status: number, detail: string, headers?: Readonly<Record<string, string>>): ErrorReply {
  return { reply: json(status, detail, headers), severity: "expected" };
}

function unavailable(detail: string): ErrorReply {
  return { reply: json(503, detail, { "Retry-After": RETRY_AFTER_SECONDS }), severity: "degraded" };
}

function json(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): JsonReply {
  const body: ErrorBody = { detail };
  return { kind: "json", status, body, headers };
}
