import { createHash } from "node:crypto";
import {
  largestBatch,
  type JobAcceptedBody,
  type JobBody,
  errorBodySchema,
  type RawRequest,
} from "@veil/http-contract";
import type { Clock } from "@veil/key-lifecycle";
import { z } from "zod";
import { JobNotFoundError, OutcomeUnknownError } from "../errors.ts";
import type { JsonReply, Reply } from "../http/reply.ts";
import type { JobWatch, RequestScope } from "../ports.ts";
import { batchDeadlineMs } from "./write-limits.ts";
import { type SharedAnswer, type SharedWrite, takePart } from "./take-part.ts";
import { jobIdOf, jobNameOf, type WriteOperation, writeOperations } from "./write-jobs.ts";
import type { WriteRecords } from "./write-records.ts";

export interface SharedWritesPorts {
  readonly records: WriteRecords;
  readonly progress: JobWatch;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly writeDeadlineMs: number;
  readonly syncDeadlineMs: number;
  /** How long a write may take that is answered later. */
  readonly laterDeadlineMs: number;
}

/** Carries out an endpoint's operation. */
export type CarryOutWrite = (operation: WriteOperation, raw: RawRequest, scope: RequestScope) => Promise<Reply>;

/** A write as it came. */
export interface WriteCall {
  readonly operation: WriteOperation;
  readonly method: string;
  /** Without a trailing slash. */
  readonly path: string;
  readonly raw: RawRequest;
}

/** How the caller wants a write to be treated. */
export interface WritePreferences {
  readonly idempotencyKey: string | null;
  readonly respondAsync: boolean;
}

/** What is left over a write's own deadline, in milliseconds, before another request takes the leader's place. */
const leaseSlackMs = 3_000;

const storedRequest = z.object({
  operation: z.enum(writeOperations),
  raw: z.object({ params: z.record(z.string(), z.unknown()), body: z.unknown().optional() }),
});

/** Writes that are repeated under an `Idempotency-Key`, or answered later. */
export class SharedWrites {
  readonly #ports: SharedWritesPorts;
  readonly #carryOut: CarryOutWrite;

  constructor(ports: SharedWritesPorts, carryOut: CarryOutWrite) {
    this.#ports = ports;
    this.#carryOut = carryOut;
  }

  /** @param callerId tells secrets apart: the same key of two callers is two keys */
  async answer(call: WriteCall, wishes: WritePreferences, callerId: string, scope: RequestScope): Promise<Reply> {
    const run = (within: RequestScope) =>
      wishes.respondAsync ? this.#later(call, within) : this.#carryOut(call.operation, call.raw, within);
    if (wishes.idempotencyKey === null) return run(scope);
    const id = `once-${digestOf(`${callerId} ${wishes.idempotencyKey}`).slice(0, 40)}`;
    const { reply, replayed } = await takePart(this.#shared(id, call, 0, run), scope, this.#ports);
    if (!replayed) return reply;
    return { ...reply, headers: { ...reply.headers, "Idempotency-Replayed": "true" } };
  }

  /** What became of a write that was answered 202. @throws JobNotFoundError, WriteRecordsUnavailableError */
  async status(jobId: string, scope: RequestScope): Promise<JobBody> {
    const id = recordId(jobId);
    const record = await this.#ports.records.read(id);
    if (record === null) throw new JobNotFoundError(jobId);
    if (record.reply !== null) return ended(jobId, record.reply);
    const { operation, raw } = storedRequest.parse(JSON.parse(record.request));
    const call = { operation, raw: { params: raw.params, body: raw.body }, method: "", path: "" };
    if (record.abandoned) {
      const { reply } = await this.#settleAbandoned(jobId, call, record.fingerprint, scope);
      return ended(jobId, reply);
    }
    const jobKey = `${id}-${record.attempt}`;
    const job = jobIdOf(operation, jobKey);
    const progress = await this.#ports.progress.progress(jobNameOf(operation), job).catch(() => "running" as const);
    const outcome = progress === "ended" ? await this.#readOutcome(call, jobKey, scope) : null;
    if (outcome !== null) return ended(jobId, outcome);
    return { job_id: jobId, status: progress === "queued" ? "queued" : "running" };
  }

  /** Answers as soon as the job is in the queue; the write goes on in this process, or whoever asks later ends it. */
  async #later(call: WriteCall, scope: RequestScope): Promise<JsonReply> {
    const jobId = scope.turn?.jobKey ?? this.#ports.newId();
    await new Promise<void>((resolve, reject) => {
      takePart({ ...this.#answeredLater(jobId, call), onSubmitted: resolve }, scope, this.#ports).then(
        () => resolve(),
        (error: unknown) => {
          scope.log.warn({ err: error, job_id: jobId }, "a write that is answered later failed");
          reject(error);
        },
      );
    });
    const body: JobAcceptedBody = { job_id: jobId, status: "queued" };
    const headers = { Location: `/api/jobs/${jobId}`, "Preference-Applied": "respond-async" };
    return { kind: "json", status: 202, body, headers };
  }

  #settleAbandoned(jobId: string, call: WriteCall, fingerprint: string, scope: RequestScope): Promise<SharedAnswer> {
    const write = { ...this.#answeredLater(jobId, call), fingerprint, retriesAbandoned: false };
    return takePart(write, scope, this.#ports);
  }

  /**
   * The answer of a job that ended well, for one who may not settle the write: whoever leads it has not done so yet, and may
   * be dead. Null when it can't be told so early.
   */
  async #readOutcome(call: WriteCall, jobKey: string, scope: RequestScope): Promise<JsonReply | null> {
    const turn = {
      jobKey,
      startedAt: this.#ports.clock.now(),
      leastDeadlineMs: 0,
      isFirst: false,
      onSubmitted: () => undefined,
      becomeJudge: (job: string) => Promise.reject(new OutcomeUnknownError(job)),
    };
    try {
      const reply = await this.#carryOut(call.operation, call.raw, { ...scope, turn });
      return reply.kind === "json" ? reply : null;
    } catch (err) {
      scope.log.debug({ err, jobKey }, "left to whoever leads the write");
      return null;
    }
  }

  #answeredLater(jobId: string, call: WriteCall): SharedWrite {
    const run = (within: RequestScope) => this.#carryOut(call.operation, call.raw, within);
    return this.#shared(recordId(jobId), call, this.#ports.laterDeadlineMs, run);
  }

  #shared(id: string, call: WriteCall, leastDeadlineMs: number, run: SharedWrite["run"]): SharedWrite {
    const { operation, method, path, raw } = call;
    return {
      id,
      run,
      leastDeadlineMs,
      fingerprint: digestOf(JSON.stringify([method, path, canonical(raw.body)])),
      request: JSON.stringify({ operation, raw: { params: raw.params, body: raw.body } }),
      leaseMs: Math.max(deadlineOf(operation, this.#ports), leastDeadlineMs) + leaseSlackMs,
    };
  }
}

function deadlineOf(operation: WriteOperation, { writeDeadlineMs, syncDeadlineMs }: SharedWritesPorts): number {
  switch (operation) {
    case "syncTraffic":
      return syncDeadlineMs;
    case "createKeys":
    case "deleteKeys":
      return batchDeadlineMs(writeDeadlineMs, largestBatch);
    default:
      return writeDeadlineMs;
  }
}

function recordId(jobId: string): string {
  return `later-${jobId}`;
}

function ended(jobId: string, { status, body }: JsonReply): JobBody {
  if (status < 300) return { job_id: jobId, status: "succeeded", result: { ...body } };
  return { job_id: jobId, status: "failed", detail: errorBodySchema.parse(body).detail };
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
