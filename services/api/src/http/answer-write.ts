import { messages } from "@veil/http-contract";
import type { Request } from "express";
import type { RunOncePorts } from "../idempotency/run-once.ts";
import { runUnderKey, type WriteRequest } from "../idempotency/run-under-key.ts";
import type { DeferredWrites } from "../jobs/deferred-writes.ts";
import { answersOnce, writeLeaseMs, type WriteOperation } from "../jobs/write-jobs.ts";
import type { RequestScope } from "../ports.ts";
import type { JsonReply } from "../reply/reply.ts";
import { HttpError } from "./http-error.ts";

export interface AnswerWritePorts extends RunOncePorts {
  readonly deferred: DeferredWrites;
  readonly writeDeadlineMs: number;
  readonly syncDeadlineMs: number;
}

/** How the caller wants a write to be treated. */
export interface WritePreferences {
  readonly idempotencyKey: string | null;
  /** Whether it is answered 202 before it is done. */
  readonly respondAsync: boolean;
}

const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;

/** Reads how a write is to be treated from its headers. @throws {HttpError} 400 when the key is malformed */
export function writePreferences(request: Request): WritePreferences {
  const idempotencyKey = request.get("Idempotency-Key") ?? null;
  if (idempotencyKey !== null && !VISIBLE_ASCII.test(idempotencyKey)) {
    throw new HttpError(400, messages.idempotencyKeyMalformed);
  }
  return { idempotencyKey, respondAsync: prefers(request, "respond-async") };
}

function prefers(request: Request, preference: string): boolean {
  const preferences = (request.get("Prefer") ?? "")
    .split(",")
    .map((entry) => entry.split(";")[0]?.trim().toLowerCase());
  return preferences.includes(preference);
}

/** Carries a write out as its caller prefers: once for all repeats of it, and answered now or later. */
export async function answerWrite(
  write: WriteRequest<WriteOperation> & { readonly run: (scope: RequestScope) => Promise<JsonReply> },
  { idempotencyKey, respondAsync }: WritePreferences,
  scope: RequestScope,
  ports: AnswerWritePorts,
): Promise<JsonReply> {
  // A change of many keys is answered before it is done in any case.
  const isLater = respondAsync && write.operation !== "updateKeys" && !answersOnce(write.operation);
  const run = (within: RequestScope) => (isLater ? ports.deferred.begin(write, write.run, within) : write.run(within));
  if (idempotencyKey === null) return run(scope);
  const leaseMs = writeLeaseMs(write.operation, ports);
  return runUnderKey(idempotencyKey, write, { run, leaseMs }, scope, ports);
}
