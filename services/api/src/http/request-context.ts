import type { Request } from "express";
import type { RequestScope, RequestTrail } from "../ports.ts";
import type { Caller } from "./callers.ts";

/** What is known of a request while it passes through the service. */
export interface RequestContext extends RequestScope {
  readonly trail: RequestTrail;
  /** The path pattern of the endpoint that it reached, null while it has reached none. */
  route: string | null;
  /** Who sent it; null while it is not known. */
  caller: Caller | null;
}

const contexts = new WeakMap<Request, RequestContext>();

export function setRequestContext(request: Request, context: RequestContext): void {
  contexts.set(request, context);
}

/** @throws Error when the request did not pass through the identification first: a fault of the wiring */
export function requestContext(request: Request): RequestContext {
  const context = contexts.get(request);
  if (context === undefined) throw new Error("the request has no context");
  return context;
}
