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
import { type IRoute, type Request, type RequestHandler, Router } from "express";
import type { RequestScope } from "../ports.ts";
import type { SharedWrites } from "../writes/shared-writes.ts";
import { isWriteOperation } from "../writes/write-jobs.ts";
import { HttpError } from "./http-error.ts";
import { readJsonBody } from "./read-json-body.ts";
import type { Reply } from "./reply.ts";
import { requestContext } from "./request-context.ts";
import { sendReply } from "./send-reply.ts";
import { writePreferences } from "./write-preferences.ts";

/** Carries out one endpoint: takes what its schemas made of the request, knows nothing of HTTP's wire. */
type Operation<Id extends OperationId> = (
  input: RequestInput<(typeof endpoints)[Id]>,
  scope: RequestScope,
) => Promise<Reply>;

/** One operation for every endpoint of the catalogue; the compiler refuses a missing one. */
export type Operations = { readonly [Id in OperationId]: Operation<Id> };

/** The routes of the whole catalogue; a known path with another method is 405 with `Allow`. */
export function endpointRoutes(operations: Operations, writes: SharedWrites): Router {
  const router = Router({ caseSensitive: true });
  for (const [path, ids] of idsByPath()) {
    const route = router.route(path.replace(/\{(\w+)\}/g, ":$1"));
    route.all(noteRoute(path));
    for (const id of ids) addMethod(route, id, operations, writes);
    route.all(refuseMethod(ids.map((id) => endpoints[id].method)));
  }
  return router;
}

function idsByPath(): Map<string, OperationId[]> {
  const byPath = new Map<string, OperationId[]>();
  for (const id of operationIds) {
    const { path } = endpoints[id];
    byPath.set(path, [...(byPath.get(path) ?? []), id]);
  }
  return byPath;
}

/** A key that is asked for by its UUID stays unnamed: that is what its holder logs in with. */
function noteKey(request: Request): void {
  const { key_id: keyId } = request.params;
  if (typeof keyId === "string" && /^\d{1,15}$/.test(keyId)) requestContext(request).trail.keyId = Number(keyId);
}

function noteRoute(path: string): RequestHandler {
  return (request, _response, next) => {
    requestContext(request).route = path;
    next();
  };
}

function addMethod(route: IRoute, id: OperationId, operations: Operations, writes: SharedWrites): void {
  const endpoint: Endpoint = endpoints[id];
  const limitBytes = endpoint.body?.limitBytes ?? bodyLimitBytes;
  route[endpoint.method](async (request, response) => {
    const body = endpoint.method === "get" ? undefined : await readJsonBody(request, response, limitBytes);
    const raw = { params: request.params, query: request.query, body };
    noteKey(request);
    const reply = await answer(id, raw, request, operations, writes);
    await sendReply(reply, request, response);
  });
}

async function answer(
  id: OperationId,
  raw: RawRequest,
  request: Request,
  operations: Operations,
  writes: SharedWrites,
): Promise<Reply> {
  const context = requestContext(request);
  if (!isWriteOperation(id) || context.caller === null) return carryOut(id, operations, raw, context);
  const wishes = writePreferences(request);
  parseRequest(endpoints[id], raw);
  const call = { operation: id, method: request.method, path: request.path.replace(/\/+$/, ""), raw };
  return writes.answer(call, wishes, context.caller.id, context);
}

/** Checks a request against its endpoint and carries it out. */
export async function carryOut<Id extends OperationId>(
  id: Id,
  operations: Operations,
  raw: RawRequest,
  scope: RequestScope,
): Promise<Reply> {
  const endpoint: (typeof endpoints)[Id] = endpoints[id];
  const operation: Operations[Id] = operations[id];
  return operation(parseRequest(endpoint, raw), scope);
}

function refuseMethod(methods: readonly Endpoint["method"][]): RequestHandler {
  const allowed = methods.flatMap((method) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
  const allow = [...allowed, "OPTIONS"].join(", ");
  return (request, response) => {
    if (request.method !== "OPTIONS") throw new HttpError(405, messages.methodNotAllowed, { Allow: allow });
    response.status(204).set("Allow", allow).end();
  };
}
