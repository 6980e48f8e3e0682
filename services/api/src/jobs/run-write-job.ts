import { numberedSecret } from "@veil/events";
import { type JobName, type JobPayload, type JobResult } from "@veil/job-contract";
import { QueueUnavailableError } from "@veil/job-queue";
import type { Clock } from "@veil/keys";
import { QUEUE_UNAVAILABLE, STORE_UNAVAILABLE, WriteUnavailableError } from "../errors.ts";
import { type Jobs, type RequestScope, viewerOf } from "../ports.ts";
import { awaitJob } from "./await-job.ts";
import { type JobOf, jobIdOf, writeJob, type WriteOperation } from "./write-jobs.ts";
import { limitsOf, resolverLimits, type WriteLimits } from "./write-limits.ts";

/** The ports and limits of every write. */
export interface WritePorts {
  readonly jobs: Jobs;
  readonly clock: Clock;
  /** A fresh random UUID for the id of a job. */
  readonly newId: () => string;
  /** How long a caller waits for a write at most, in milliseconds. */
  readonly writeDeadlineMs: number;
  /** False while MongoDB is known to be unavailable. */
  readonly storeIsUp: () => boolean;
}

/** A write's job before it is submitted. */
export interface PlannedJob<Op extends WriteOperation> {
  readonly operation: Op;
  readonly id: string;
  readonly limits: WriteLimits;
}

/**
 * Names a write's job and divides its time. A write that can't succeed is refused at once, so that the caller need not
 * wait out the deadline while MongoDB is known to be unavailable; a request that takes part in a write that another one
 * began is let through, since the job may be under way.
 * @throws {WriteUnavailableError} when it can't succeed now
 */
export function planWriteJob<Op extends WriteOperation>(
  operation: Op,
  scope: RequestScope,
  ports: WritePorts,
  limits: WriteLimits = limitsOf(scope, ports),
): PlannedJob<Op> {
  const { action, needsStore } = writeJob(operation);
  const mayBeUnderWay = scope.attempt?.isFirst === false;
  if (needsStore && !ports.storeIsUp() && !mayBeUnderWay) throw new WriteUnavailableError(action, STORE_UNAVAILABLE);
  return { operation, id: jobIdOf(operation, scope.attempt?.jobKey ?? ports.newId()), limits };
}

/** The caller who asked for a job, as the job names it. */
interface JobActor {
  readonly name: string;
  readonly address: string | null;
}

/** A secret without a name goes by its position. */
function actorOf({ caller = null, address = null }: RequestScope): { readonly actor?: JobActor } {
  if (caller === null) return {};
  const { label } = caller;
  return { actor: { name: typeof label === "number" ? numberedSecret(label) : label, address } };
}

/** The fields of its request that every payload carries. */
export interface PayloadStamp {
  /** Milliseconds since the epoch after which the job may change nothing. */
  readonly deadline: number;
  readonly request_id: string;
  /** Whose keys the job may know of, as its caller does; null for all. */
  readonly owner: string | null;
  readonly actor?: JobActor;
}

function stampOf({ jobDeadline }: WriteLimits, scope: RequestScope): PayloadStamp {
  return { deadline: jobDeadline, request_id: scope.requestId, owner: viewerOf(scope).owner, ...actorOf(scope) };
}

export interface WriteJobRun<Op extends WriteOperation, R> {
  readonly job: PlannedJob<Op>;
  readonly payload: (stamp: PayloadStamp) => JobPayload<JobOf<Op>>;
  /** Resolves what became of the job without its result; called once no other request may. */
  readonly onNoOutcome: (limits: WriteLimits) => Promise<R>;
  /**
   * A job that failed without a result (it stalled too often, for example) may still be at work in a process that
   * lost touch with Redis: `wait` gives it up only when that can't be any more.
   */
  readonly whenFailed?: "wait" | "return";
  /**
   * Whether one who led the write before may have taken the job's result back; asked only where others take part. The outcome is
   * then resolved as if there were no result.
   */
  readonly mayBeRevoked?: () => Promise<boolean>;
}

/**
 * Submits a write's job, and waits for its result until its time is up.
 *
 * @throws {WriteFailedError} the write's `UnavailableError`, when surely nothing was enqueued
 * @throws {WriteCompletedError} when another request completed the write
 * @throws {OutcomeUnknownError} when its record can't be read
 */
export async function runWriteJob<Op extends WriteOperation, R>(
  { job, payload, onNoOutcome, whenFailed = "wait", mayBeRevoked }: WriteJobRun<Op, R>,
  scope: RequestScope,
  ports: WritePorts,
): Promise<JobResult<JobOf<Op>> | R> {
  const { id, limits, operation } = job;
  const { name, action, UnavailableError } = writeJob(operation);
  if (!(await submitJob(name, id, payload(stampOf(limits, scope)), ports.jobs, scope)))
    throw new UnavailableError(action, QUEUE_UNAVAILABLE);
  // The first caller has had its answer, and the reason of the job's failure may be over: a repeat begins it anew.
  const retriesFailed = scope.attempt?.retriesFailed === true;
  const awaited = { name, jobId: id, until: limits.resolveAt, whenFailed, retriesFailed };
  const result = await awaitJob(awaited, ports, scope);
  const isFirst = scope.attempt?.isFirst !== false;
  if (result !== null && (isFirst || mayBeRevoked === undefined || !(await mayBeRevoked()))) return result;
  return onNoOutcome(await resolverLimits(id, limits, scope, ports));
}

/**
 * Submits a write's job that goes on after the answer.
 *
 * @throws {WriteFailedError} the write's `UnavailableError`, when surely nothing was enqueued
 */
export async function submitWriteJob<Op extends WriteOperation>(
  { job, payload }: Pick<WriteJobRun<Op, never>, "job" | "payload">,
  scope: RequestScope,
  ports: WritePorts,
): Promise<void> {
  const { name, action, UnavailableError } = writeJob(job.operation);
  if (!(await submitJob(name, job.id, payload(stampOf(job.limits, scope)), ports.jobs, scope)))
    throw new UnavailableError(action, QUEUE_UNAVAILABLE);
}

/**
 * Enqueues a job. When the command went out and its reply was lost, the job counts as enqueued: it may run.
 *
 * @returns false when surely nothing was enqueued, because Redis is unavailable
 */
async function submitJob<N extends JobName>(
  name: N,
  jobId: string,
  payload: JobPayload<N>,
  jobs: Jobs,
  { log, attempt, logFields, receivedAt }: RequestScope,
): Promise<boolean> {
  try {
    if (logFields !== undefined) logFields.jobId = jobId;
    // Without an attempt no other request takes part in the write, so that its job's id is unique to this call.
    await jobs.submit(name, jobId, payload, {
      requestedAt: attempt?.startedAt ?? receivedAt,
      isFresh: attempt === undefined,
    });
    log.debug({ job: jobId, name }, "job enqueued");
    attempt?.onSubmitted();
    return true;
  } catch (error) {
    if (!(error instanceof QueueUnavailableError)) throw error;
    log.warn({ job: jobId, name, err: error }, "no reply to the enqueueing of a job");
    return error.mayHaveHappened;
  }
}
