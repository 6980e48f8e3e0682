import { type Endpoint, isWrite } from "./endpoint.ts";
import { messages } from "./messages.ts";
import type { z } from "zod";

/** Thrown when a request does not fit its endpoint's schemas. */
export class InvalidRequestError extends Error {
  override readonly name = "InvalidRequestError";
}

/** A request as it came over the wire: `body` is undefined when there was none. */
export interface RawRequest {
  readonly params: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** The header `If-Match`; undefined when there was none. */
  readonly ifMatch?: string | undefined;
}

/** A request as an endpoint's schemas parsed it; parts without a schema are undefined. */
export interface RequestInput<E extends Endpoint> {
  readonly params: E extends { readonly params: infer P extends z.ZodType } ? z.output<P> : undefined;
  readonly query: E extends { readonly query: infer Q extends z.ZodType } ? z.output<Q> : undefined;
  readonly body: E extends { readonly body: { readonly schema: infer B extends z.ZodType } } ? z.output<B> : undefined;
  readonly ifRevision: SeenRevision;
}

/** The revision of a key that the caller has seen; `any` where the key only has to be there, null where nothing was said. */
export type SeenRevision = number | "any" | null;

/**
 * Checks a request against its endpoint. A missing body counts as `{}`, and so do `null` and `[]`, which some languages make of an
 * empty body. An endpoint with a query refuses unknown parameters: a caller who pages by `offset` would never come to an end.
 *
 * @throws {InvalidRequestError} with one sentence about the first fault found
 */
export function parseRequest<E extends Endpoint>(endpoint: E, raw: RawRequest): RequestInput<E> {
  const params = endpoint.params === undefined ? undefined : parse(endpoint.params, raw.params);
  const query = endpoint.query === undefined ? undefined : parseQuery(endpoint.query, raw.query ?? {});
  const body = endpoint.body === undefined ? undefined : parse(endpoint.body.schema, emptyAsObject(raw.body));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each part is what its schema made, or undefined without one
  return { params, query, body, ifRevision: revisionOf(endpoint, raw.ifMatch) } as RequestInput<E>;
}

/** The tag of a key begins with its revision; what follows changes with traffic and does not matter here. */
function revisionOf(endpoint: Endpoint, ifMatch: string | undefined): SeenRevision {
  // Nothing is overwritten by a read.
  if (ifMatch === undefined || !isWrite(endpoint)) return null;
  if (endpoint.takesIfMatch !== true) throw new InvalidRequestError(messages.ifMatchNotTaken);
  if (ifMatch.trim() === "*") return "any";
  const revision = /^\s*(?:W\/)?"(\d{1,15})-[^"]*"\s*$/.exec(ifMatch)?.[1];
  if (revision === undefined) throw new InvalidRequestError(messages.ifMatchMalformed);
  return Number(revision);
}

function parseQuery(schema: z.ZodObject, query: Readonly<Record<string, unknown>>): unknown {
  const unknown = Object.keys(query).find((name) => !Object.hasOwn(schema.shape, name));
  if (unknown === undefined) return parse(schema, query);
  throw new InvalidRequestError(messages.unknownParameter(unknown, Object.keys(schema.shape)));
}

/** `{}` for what is empty: nothing, `null` and `[]`. */
export function emptyAsObject(value: unknown): unknown {
  const isEmpty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  return isEmpty ? {} : value;
}

function parse(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError(parsed.error.issues[0]?.message ?? "the request is not valid");
}
