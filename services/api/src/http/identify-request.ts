import type { RequestHandler } from "express";
import type { Logger } from "../ports.ts";
import { setRequestContext } from "./request-context.ts";

const saneId = /^[A-Za-z0-9._-]{1,128}$/;

/** Gives every request an id, the caller's own when it sent a sane one, and says it in the answer and in every line. */
export function identifyRequest(log: Logger, newId: () => string): RequestHandler {
  return (request, response, next) => {
    const sent = request.get("X-Request-Id");
    const requestId = sent !== undefined && saneId.test(sent) ? sent : newId();
    response.set("X-Request-Id", requestId);
    setRequestContext(request, {
      requestId,
      receivedAt: Date.now(),
      trail: {},
      log: log.child({ request_id: requestId }),
      route: null,
      caller: null,
    });
    next();
  };
}
