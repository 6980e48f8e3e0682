import type { ErrorRequestHandler } from "express";
import { errorReply } from "./error-reply.ts";
import { requestContext } from "./request-context.ts";
import { sendReply } from "./send-reply.ts";

/** Answers every failure by the table of `error-reply.ts`, and logs those that someone should know of. */
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
