import { errorBodySchema, type JobAcceptedBody, type JobBody, type RawRequest } from "@veil/http-contract";
import { attemptId } from "@veil/idempotency";
import { isScope } from "@veil/tokens";
import { z } from "zod";
import { JobNotFoundError, OutcomeUnknownError } from "../errors.ts";
import { completeFromJob, runOnce, type IdempotentWrite, type RunOncePorts } from "../idempotency/run-once.ts";
import { idempotentWrite, type WriteRequest } from "../idempotency/run-under-key.ts";
import { callerOf, type JobWatch, type RequestScope, viewerOf } from "../ports.ts";
import type { JsonReply, Outcome } from "../reply/reply.ts";
import { ownedJobId, seesJob } from "./job-owner.ts";
import { jobIdOf, writeJob, writeLeaseMs, type WriteOperation, WRITE_OPERATIONS } from "./write-jobs.ts";

export interface DeferredWritesPorts extends RunOncePorts {
  readonly progress: JobWatch;
  readonly writeDeadlineMs: number;
  readonly syncDeadlineMs: number;
  /** How long a write may take that is answered later, in milliseconds. */
  readonly laterDeadlineMs: number;
}

/** How long callers are asked to wait before they ask what became of a write: most are done by then. */
const ASK_AFTER_SECONDS = "1";

/** Carries out a write from its request as it is stored. */
export type RunStoredWrite = (operation: WriteOperation, raw: RawRequest, scope: RequestScope) => Promise<Outcome>;

type DeferredWrite = WriteRequest<WriteOperation>;

const storedRequest = z.object({
  operation: z.enum(WRITE_OPERATIONS),
  /** Missing in what was stored before tokens had owners. */
  caller: z
    .object({
      label: z.union([z.string(), z.number()]),
      id: z.string(),
      /** One that only a newer version knows gives nothing here. */
      scopes: z.array(z.string()).transform((held) => held.filter(isScope)),
      owner: z.string().nullable(),
      rate: z.number().nullable(),
      addresses: z.array(z.string()).nullable(),
    })
    .exactOptional(),
  raw: z.object({
    params: z.record(z.string(), z.unknown()),
    /** Missing in what a version before stored. */
    query: z.record(z.string(), z.unknown()).exactOptional(),
    body: z.unknown().optional(),
    ifMatch: z.string().exactOptional(),
  }),
});

/** Writes that are answered 202 before they are done (RFC 7240, `respond-async`), and what becomes of them. */
export class DeferredWrites {
  readonly #ports: DeferredWritesPorts;

  constructor(ports: DeferredWritesPorts) {
    this.#ports = ports;
  }

  /** Answers as soon as the job is in the queue; the write goes on in this process, or whoever asks later completes it. */
  async begin(request: DeferredWrite, run: IdempotentWrite["run"], scope: RequestScope): Promise<JsonReply> {
    const jobId = ownedJobId(scope.attempt?.jobKey ?? this.#ports.newId(), request.caller);
    const write = this.#deferred(jobId, request, run);
    await new Promise<void>((resolve, reject) => {
      runOnce({ ...write, onSubmitted: resolve }, scope, this.#ports).then(
        () => resolve(),
        (error: unknown) => {
          scope.log.warn({ err: error, job_id: jobId }, "a write that is answered later failed");
          reject(error);
        },
      );
    });
    // The answer of a repeat is the job's id, however far the job is.
    scope.attempt?.onSubmitted();
    const body: JobAcceptedBody = { job_id: jobId, status: "queued" };
    const headers = {
      Location: `/api/jobs/${jobId}`,
      "Preference-Applied": "respond-async",
      "Retry-After": ASK_AFTER_SECONDS,
    };
    return { kind: "json", status: 202, body, headers };
  }

  /**
   * The outcome of a write that was answered 202. One whose API died is completed by the next caller who asks, on
   * behalf of its sender: with the sender's rights and keys.
   *
   * @throws {JobNotFoundError} when no write of the caller's has this id
   * @throws {WriteRecordsUnavailableError} while Redis is unavailable
   */
  async status(jobId: string, runStored: RunStoredWrite, scope: RequestScope): Promise<JobBody> {
    if (!seesJob(viewerOf(scope), jobId)) throw new JobNotFoundError(jobId);
    const id = recordId(jobId);
    const record = await this.#ports.records.read(id);
    if (record === null) throw new JobNotFoundError(jobId);
    if (record.outcome !== null) return ended(jobId, record.outcome);
    const { operation, raw, caller = callerOf(scope) } = storedRequest.parse(JSON.parse(record.request));
    const asSent: RawRequest = { ...raw, body: raw.body };
    const run = (within: RequestScope) => runStored(operation, asSent, { ...within, caller });
    if (record.abandoned) {
      const request = { operation, raw: asSent, method: "", path: "", caller };
      const { fingerprint } = record;
      const write = { ...this.#deferred(jobId, request, run), fingerprint, retriesAbandoned: false };
      return ended(jobId, (await runOnce(write, scope, this.#ports)).outcome);
    }
    const job = jobIdOf(operation, attemptId(id, record.attempt));
    const progress = await this.#ports.progress.progress(writeJob(operation).name, job).catch(() => "running" as const);
    const outcome = progress === "ended" ? await this.#readOutcome(id, record.attempt, run, scope) : null;
    if (outcome !== null) return ended(jobId, outcome);
    return { job_id: jobId, status: progress === "queued" ? "queued" : "running" };
  }

  /**
   * The outcome of a job that ended well, although whoever leads the write has not completed it yet, and may be dead. It is stored as
   * the outcome: a leader that did not hear of the job's end might cancel it still, after this caller heard that it was done. Null
   * when it is not known yet.
   */
  async #readOutcome(
    id: string,
    attemptNumber: number,
    run: IdempotentWrite["run"],
    scope: RequestScope,
  ): Promise<Outcome | null> {
    const jobKey = attemptId(id, attemptNumber);
    const attempt = {
      jobKey,
      startedAt: this.#ports.clock.now(),
      leastDeadlineMs: 0,
      isFirst: false,
      retriesFailed: false,
      onSubmitted: () => undefined,
      becomeResolver: (job: string) => Promise.reject(new OutcomeUnknownError(job)),
    };
    try {
      return await completeFromJob(id, attemptNumber, await run({ ...scope, attempt }), this.#ports);
    } catch (err) {
      scope.log.debug({ err, jobKey }, "another participant leads this write");
      return null;
    }
  }

  #deferred(jobId: string, request: DeferredWrite, run: IdempotentWrite["run"]): IdempotentWrite {
    const leastDeadlineMs = this.#ports.laterDeadlineMs;
    const leaseMs = writeLeaseMs(request.operation, this.#ports, leastDeadlineMs);
    return idempotentWrite(request, { id: recordId(jobId), run, leaseMs, leastDeadlineMs, isAskedFor: true });
  }
}

function recordId(jobId: string): string {
  return `later-${jobId}`;
}

function ended(jobId: string, { status, body, unkept }: Outcome): JobBody {
  if (unkept !== undefined && unkept < 300) return { job_id: jobId, status: "succeeded" };
  if (status < 300) return { job_id: jobId, status: "succeeded", result: { ...body } };
  return { job_id: jobId, status: "failed", detail: errorBodySchema.parse(body).detail };
}
