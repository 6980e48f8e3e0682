import { createHash } from "node:crypto";
import type { RawRequest } from "@veil/http-contract";
import type { Caller, RequestScope } from "../ports.ts";
import type { JsonReply, Outcome } from "../reply/reply.ts";
import { type IdempotentWrite, runOnce, type RunOncePorts } from "./run-once.ts";

/** A write as it came. */
export interface WriteRequest<Operation extends string = string> {
  readonly operation: Operation;
  readonly method: string;
  /** Without a trailing slash. */
  readonly path: string;
  readonly raw: RawRequest;
  readonly caller: Caller;
}

/** How a write is carried out that others may take part in. */
export type SharedRun = Pick<IdempotentWrite, "id" | "run" | "leaseMs" | "leastDeadlineMs" | "isAskedFor">;

/**
 * A request as a write that its repeats take part in. Another method, path, query or body is another request. Those who repeat it bring
 * it along, so that its digest is enough; only those who ask what became of it come without.
 */
export function idempotentWrite(
  { operation, method, path, raw, caller }: WriteRequest,
  shared: SharedRun,
): IdempotentWrite {
  const { params, query = {}, body, ifMatch } = raw;
  // Repeats of a write that a version before began bring the same print as long as there is no query.
  const asked = Object.keys(query).length === 0 ? [] : [canonical(query)];
  return {
    ...shared,
    fingerprint: digestOf(JSON.stringify([method, path, canonical(body), ifMatch, ...asked])),
    request: shared.isAskedFor ? JSON.stringify({ operation, caller, raw: { params, query, body, ifMatch } }) : "",
  };
}

/**
 * Carries a request out once for all that come with the same `Idempotency-Key`; repeats are answered with the outcome of
 * the first, marked as replayed.
 *
 * @throws {Error} what {@link runOnce} throws
 */
export async function runUnderKey(
  key: string,
  request: WriteRequest,
  write: { readonly run: (scope: RequestScope) => Promise<Outcome>; readonly leaseMs: number },
  scope: RequestScope,
  ports: RunOncePorts,
): Promise<JsonReply> {
  const id = `once-${digestOf(namespaced(key, request.caller)).slice(0, 40)}`;
  const shared = idempotentWrite(request, { id, leastDeadlineMs: 0, isAskedFor: false, ...write });
  const { outcome, replayed } = await runOnce(shared, scope, ports);
  if (!replayed) return { kind: "json", ...outcome };
  return { kind: "json", ...outcome, headers: { ...outcome.headers, "Idempotency-Replayed": "true" } };
}

/** The same key of two callers is two keys, and so it is once a caller was given to another owner. */
function namespaced(key: string, { id, owner }: Caller): string {
  return owner === null ? `${id} ${key}` : JSON.stringify([id, owner, key]);
}

/** The same text for the same JSON, however its fields are ordered. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => [name, canonical(field)]);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
