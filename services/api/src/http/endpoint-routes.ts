import {
  type Endpoint,
  endpoints,
  messages,
  type OperationId,
  operationIds,
  parseRequest,
  type RawRequest,
  type RequestInput,
} from "@veil/http-contract";
import { type IRoute, type RequestHandler, Router } from "express";
import type { RequestScope } from "../ports.ts";
import { HttpError } from "./http-error.ts";
import { readJsonBody } from "./read-json-body.ts";
import type { Reply } from "./reply.ts";
import { requestContext } from "./request-context.ts";
import { sendReply } from "./send-reply.ts";

/** Carries out one endpoint: takes what its schemas made of the request, knows nothing of HTTP's wire. */
type Operation<Id extends OperationId> = (
  input: RequestInput<(typeof endpoints)[Id]>,
  scope: RequestScope,
) => Promise<Reply>;

/** One operation for every endpoint of the catalogue; the compiler refuses a missing one. */
export type Operations = { readonly [Id in OperationId]: Operation<Id> };

/** The routes of the whole catalogue; a known path with another method is 405 with `Allow`. */
export function endpointRoutes(operations: Operations): Router {
  const router = Router({ caseSensitive: true });
  for (const [path, ids] of idsByPath()) {
    const route = router.route(path.replace(/\{(\w+)\}/g, ":$1"));
    route.all(noteRoute(path));
    for (const id of ids) addMethod(route, id, operations);
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

function noteRoute(path: string): RequestHandler {
  return (request, _response, next) => {
    requestContext(request).route = path;
    next();
  };
}

function addMethod(route: IRoute, id: OperationId, operations: Operations): void {
  const { method } = endpoints[id];
  const carryOut = bind(id, operations[id]);
  route[method](async (request, response) => {
    const body = method === "get" ? undefined : await readJsonBody(request, response);
    const reply = await carryOut({ params: request.params, body }, requestContext(request));
    await sendReply(reply, request, response);
  });
}

type CarryOut = (raw: RawRequest, scope: RequestScope) => Promise<Reply>;

function bind<Id extends OperationId>(id: Id, operation: Operations[Id]): CarryOut {
  const endpoint: (typeof endpoints)[Id] = endpoints[id];
  return async (raw, scope) => operation(parseRequest(endpoint, raw), scope);
}

function refuseMethod(methods: readonly Endpoint["method"][]): RequestHandler {
  const allowed = methods.flatMap((method) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
  const allow = [...allowed, "OPTIONS"].join(", ");
  return (request, response) => {
    if (request.method !== "OPTIONS") throw new HttpError(405, messages.methodNotAllowed, { Allow: allow });
    response.status(204).set("Allow", allow).end();
  };
}
