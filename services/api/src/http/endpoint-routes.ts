import {
  bodyLimitBytes,
  type Endpoint,
  endpoints,
  messages,
  type OperationId,
  operationIds,
  parseRequest,
  type RawRequest,
  type RequestInput,
} from "@veil/http-contract";
import { grants } from "@veil/tokens";
import { type IRoute, type Request, type RequestHandler, Router } from "express";
import { isWriteOperation, type WriteOperation } from "../jobs/write-jobs.ts";
import type { Caller, RequestScope } from "../ports.ts";
import type { JsonReply, Reply } from "../reply/reply.ts";
import { answerWrite, type AnswerWritePorts, writePreferences } from "./answer-write.ts";
import { HttpError } from "./http-error.ts";
import { readJsonBody } from "./read-json-body.ts";
import { requestContext } from "./request-context.ts";
import { sendReply } from "./send-reply.ts";

/** The outcome of a write is JSON, so that it can be stored and repeated. */
type ReplyOf<Id extends OperationId> = Id extends WriteOperation ? JsonReply : Reply;

/**
 * One operation for every endpoint of the catalogue; the compiler refuses a missing one. Each takes what its endpoint's schemas
 * made of the request and what its caller may work with, and knows nothing of HTTP's wire.
 */
export type OperationTable<Within> = {
  readonly [Id in OperationId]: (
    input: RequestInput<(typeof endpoints)[Id]>,
    scope: RequestScope,
    within: Within,
  ) => Promise<ReplyOf<Id>>;
};

/** Carries out endpoints, each for the caller of its request. */
export interface Operations {
  run<Id extends OperationId>(
    id: Id,
    input: RequestInput<(typeof endpoints)[Id]>,
    scope: RequestScope,
  ): Promise<ReplyOf<Id>>;
}

/**
 * The routes of the whole catalogue; a known path with another method is 405 with `Allow`.
 *
 * @param hasDocs false for a catalogue without its documentation
 */
export function endpointRoutes(operations: Operations, writes: AnswerWritePorts, hasDocs: boolean): Router {
  const router = Router({ caseSensitive: true });
  for (const [path, ids] of idsByPath(hasDocs)) {
    const route = router.route(path.replace(/\{(\w+)\}/g, ":$1"));
    route.all(noteRoute(path));
    for (const id of ids) addMethod(route, id, operations, writes);
    route.all(refuseMethod(ids.map((id) => endpoints[id].method)));
  }
  return router;
}

function idsByPath(hasDocs: boolean): Map<string, OperationId[]> {
  const byPath = new Map<string, OperationId[]>();
  for (const id of operationIds) {
    const { path, tag }: Endpoint = endpoints[id];
    if (tag === "Documentation" && !hasDocs) continue;
    byPath.set(path, [...(byPath.get(path) ?? []), id]);
  }
  return byPath;
}

/** A key that is asked for by its UUID stays unnamed: that is what its holder logs in with. */
function noteKey(request: Request): void {
  const { key_id: keyId } = request.params;
  if (typeof keyId === "string" && /^\d{1,15}$/.test(keyId)) requestContext(request).logFields.keyId = Number(keyId);
}

function noteRoute(path: string): RequestHandler {
  return (request, _response, next) => {
    requestContext(request).route = path;
    next();
  };
}

function addMethod(route: IRoute, id: OperationId, operations: Operations, writes: AnswerWritePorts): void {
  const endpoint: Endpoint = endpoints[id];
  const limitBytes = endpoint.body?.limitBytes ?? bodyLimitBytes;
  route[endpoint.method](async (request, response) => {
    const context = requestContext(request);
    requireScope(endpoint, context.caller);
    context.isStillAllowed = async () => isAllowed(endpoint, await context.currentCaller(), context.caller);
    const body = endpoint.method === "get" ? undefined : await readJsonBody(request, response, limitBytes);
    const raw = { params: request.params, query: request.query, body, ifMatch: request.get("If-Match") };
    noteKey(request);
    const reply = await answer(id, raw, request, operations, writes);
    await sendReply(reply, request, response);
  });
}

/** The one place that decides what a caller may do. @throws {HttpError} 403 when it lacks the endpoint's scope */
function requireScope(endpoint: Endpoint, caller: Caller | null): void {
  if (endpoint.auth === "none") return;
  const { scope } = endpoint;
  if (caller === null || !grants(caller.scopes, scope)) throw new HttpError(403, messages.missingScope(scope));
}

/** Whether a caller who was allowed an answer that goes on may still have it: not with another scope or owner. */
function isAllowed(endpoint: Endpoint, now: Caller | null, before: Caller | null): boolean {
  if (endpoint.auth === "none") return true;
  return now !== null && now.owner === before?.owner && grants(now.scopes, endpoint.scope);
}

async function answer(
  id: OperationId,
  raw: RawRequest,
  request: Request,
  operations: Operations,
  writes: AnswerWritePorts,
): Promise<Reply> {
  const context = requestContext(request);
  const { caller } = context;
  if (!isWriteOperation(id) || caller === null) return checkedOperation(id, raw, operations)(context);
  const preferences = writePreferences(request);
  const run = checkedOperation(id, raw, operations);
  const { method } = request;
  const path = request.path.replace(/\/+$/, "");
  const endpoint: Endpoint = endpoints[id];
  // A query that the endpoint ignores makes no other request of a repeat.
  const asked = endpoint.query === undefined ? { ...raw, query: {} } : raw;
  return answerWrite({ operation: id, method, path, raw: asked, caller, run }, preferences, context, writes);
}

/**
 * Checks a request against its endpoint.
 *
 * @returns what carries it out
 * @throws {InvalidRequestError} when it does not fit
 */
export function checkedOperation<Id extends OperationId>(
  id: Id,
  raw: RawRequest,
  operations: Operations,
): (scope: RequestScope) => Promise<ReplyOf<Id>> {
  const endpoint: (typeof endpoints)[Id] = endpoints[id];
  const input = parseRequest(endpoint, raw);
  return (scope) => operations.run(id, input, scope);
}

function refuseMethod(methods: readonly Endpoint["method"][]): RequestHandler {
  const allowed = methods.flatMap((method) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
  const allow = [...allowed, "OPTIONS"].join(", ");
  return (request, response) => {
    if (request.method !== "OPTIONS") throw new HttpError(405, messages.methodNotAllowed, { Allow: allow });
    response.status(204).set("Allow", allow).end();
  };
}
