import type { Scope } from "@veil/tokens";
import type { z } from "zod";

/** Everything said about one endpoint, in one place. */
export type Endpoint = EndpointFacts & Access;

/** Access to an endpoint: for everybody, or for callers with a token that has its scope. */
type Access = { readonly auth: "none" } | { readonly auth: "bearer"; readonly scope: Exclude<Scope, "*"> };

interface EndpointFacts {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** In the notation of OpenAPI: `/api/keys/{key_id}`. */
  readonly path: `/${string}`;
  readonly tag:
    | "Status"
    | "Keys"
    | "Batches"
    | "Devices"
    | "Traffic"
    | "Jobs"
    | "Tokens"
    | "Events"
    | "Webhooks"
    | "Nodes"
    | "Hosts"
    | "Documentation";
  /** One line. */
  readonly summary: string;
  /** CommonMark. */
  readonly description: string;
  readonly params?: z.ZodObject;
  /** The query that the endpoint takes; anything else is refused. Without it a query is ignored. */
  readonly query?: z.ZodObject;
  /** The JSON body that the endpoint takes. Without it a body is checked for its form and then ignored. */
  readonly body?: RequestBody;
  /** Whether `If-Match` names the revision of the key that the caller has seen; without it a write that has the header is refused. */
  readonly takesIfMatch?: true;
  readonly success: Success;
  readonly errors: readonly ErrorCase[];
}

interface RequestBody {
  /** Whether a request without a body is refused; without it a missing body counts as `{}`. */
  readonly required?: boolean;
  /** Largest body that is read, in bytes; {@link BODY_LIMIT_BYTES} unless said otherwise. */
  readonly limitBytes?: number;
  readonly schema: z.ZodType;
  readonly description: string;
  readonly examples: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>;
}

/** The answer when all is well. */
interface Success {
  /** 200 unless said otherwise. */
  readonly status?: 202;
  readonly description: string;
  readonly contentType: "application/json" | "text/html" | "image/svg+xml" | "image/png";
  readonly schema: z.ZodType;
  /** Left out for pages and pictures. */
  readonly example?: unknown;
}

/** One way in which an endpoint fails; several may share a status. */
export interface ErrorCase {
  readonly status: ErrorStatus;
  /** Short name of the case, unique within a status: `key-not-found`. */
  readonly name: string;
  readonly description: string;
  /** The `detail` of an answer as it may look. */
  readonly detail: string;
}

export type ErrorStatus = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 429 | 431 | 500 | 503;

/** Largest body that is read, in bytes, after decompression. */
export const BODY_LIMIT_BYTES = 64 * 1024;

/** Every endpoint that is not read with GET may be repeated under an `Idempotency-Key` and answered later. */
export function isWrite(endpoint: Endpoint): boolean {
  return endpoint.method !== "get";
}
