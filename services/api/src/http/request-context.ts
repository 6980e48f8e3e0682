import type { Clock } from "@veil/keys";
import { parseClientAddress } from "@veil/runtime";
import type { Request, RequestHandler } from "express";
import type { Caller, Logger, RequestLogFields, RequestScope } from "../ports.ts";

/** A request and its context, while it passes through the service. */
export interface RequestContext extends RequestScope {
  readonly logFields: RequestLogFields;
  /** The path pattern of the endpoint that it reached, null while it has reached none. */
  route: string | null;
  /** The caller who sent it; null while it is not known. */
  caller: Caller | null;
  /** When the answer began of one that goes on; null for others. Monotonic milliseconds. */
  answeredAt: number | null;
  /** The caller as the token stands by now, null when it is no longer valid. */
  currentCaller: () => Promise<Caller | null>;
  /** Whether the caller may still have what it asked for. */
  isStillAllowed: () => Promise<boolean>;
}

const contexts = new WeakMap<Request, RequestContext>();

const SANE_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Gives every request an id, the caller's own when it sent a sane one, and puts it in the answer and in every log line. */
export function identifyRequest(log: Logger, newId: () => string, clock: Pick<Clock, "now">): RequestHandler {
  return (request, response, next) => {
    const sent = request.get("X-Request-Id");
    const requestId = sent !== undefined && SANE_ID.test(sent) ? sent : newId();
    response.set("X-Request-Id", requestId);
    contexts.set(request, {
      requestId,
      receivedAt: clock.now(),
      address: parseClientAddress(request.ip ?? "")?.text ?? null,
      logFields: {},
      log: log.child({ request_id: requestId }),
      route: null,
      caller: null,
      answeredAt: null,
      currentCaller: async () => null,
      isStillAllowed: async () => true,
    });
    next();
  };
}

/** @throws {Error} when the request did not pass through {@link identifyRequest} first: a fault of the wiring */
export function requestContext(request: Request): RequestContext {
  const context = contexts.get(request);
  if (context === undefined) throw new Error("the request has no context");
  return context;
}
