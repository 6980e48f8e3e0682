import { type Job, UnrecoverableError } from "bullmq";
import { JobShapeError, PermanentJobError } from "./errors.ts";
import {
  jobDefinition,
  type JobName,
  type JobNameOf,
  jobNamesOf,
  type JobPayload,
  type JobResult,
  type QueueName,
} from "@veil/job-contract";
import { coerceError } from "@veil/runtime";
import { requestIdOf } from "./job-steps.ts";
import { jobsOfMicroBatch, type MicroBatchEnd, type MicroBatchJob, type MicroBatchResult } from "./micro-batch.ts";

/** A delivery of a job, as its handler sees it. */
export interface Delivery {
  readonly jobId: string;
  readonly requestId: string;
  /** When the request came in, in milliseconds since the epoch, by the clock of whoever took it. */
  readonly requestedAt: number;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** True when an earlier delivery may have done part of the work, or may still be doing it. */
  readonly redelivered: boolean;
}

/** Does the work of one job. Returning a result ends the job; throwing asks for another attempt. */
export type JobHandler<N extends JobName> = (payload: JobPayload<N>, delivery: Delivery) => Promise<JobResult<N>>;

/** Exactly one handler for every job of a queue; the compiler refuses a missing one. */
export type JobHandlers<Q extends QueueName> = { readonly [N in JobNameOf<Q>]: JobHandler<N> };

type RunJob = (data: unknown, delivery: Delivery) => Promise<unknown>;

/** Has a job of a micro-batch go on as a BullMQ job of its own. Nothing happens when there is one already. */
export type MoveOut = (name: JobName, job: MicroBatchJob) => Promise<void>;

/** Builds the processor that BullMQ calls with each job of a queue. */
export function jobDispatcher<Q extends QueueName>(
  handlers: JobHandlers<Q>,
  queue: Q,
  moveOut: MoveOut,
): (job: Job) => Promise<unknown> {
  const runners = new Map(jobNamesOf(queue).map((name) => [name as string, { name, run: runnerOf(name, handlers) }]));
  return async (job) => {
    const found = runners.get(job.name);
    if (found === undefined) throw new UnrecoverableError(`no handler for ${job.name}`);
    try {
      const { name, run } = found;
      const together = jobsOfMicroBatch(job.data);
      if (together === null) return await run(job.data, deliveryOf(job));
      const bundle = await runAll(together, run, job, (failed) => moveOut(name, failed));
      return { bundle } satisfies MicroBatchResult;
    } catch (error) {
      throw isPermanent(error) ? finalError(error.message) : error;
    }
  };
}

/** Its stack would only name this file, by a path whose length differs from machine to machine, in each failed job in Redis. */
function finalError(message: string): UnrecoverableError {
  const error = new UnrecoverableError(message);
  delete error.stack;
  return error;
}

function runnerOf<N extends JobName>(name: N, handlers: Partial<{ readonly [K in N]: JobHandler<K> }>): RunJob {
  const handler = handlers[name];
  if (handler === undefined) throw new Error(`there is no handler for ${name}`);
  const { payload, result } = jobDefinition(name);
  return async (data, delivery) => {
    const decoded = payload.safeDecode(data);
    if (!decoded.success) throw new JobShapeError(`payload of ${name} does not fit: ${decoded.error.message}`);
    const encoded = result.safeEncode(await handler(decoded.data, delivery));
    if (!encoded.success) throw new JobShapeError(`result of ${name} does not fit: ${encoded.error.message}`);
    return encoded.data;
  };
}

/**
 * Runs the jobs of a micro-batch side by side, and waits for all of them: nothing of this delivery is at work when it ends.
 *
 * One that fails while others do not goes on alone, so that they need not wait for it, and so that it is found among the
 * failed jobs when nothing helps.
 *
 * @throws what the first one threw when all of them ask for another attempt: they have it together
 */
async function runAll(
  jobs: readonly MicroBatchJob[],
  run: RunJob,
  carrier: Job,
  moveOut: (job: MicroBatchJob) => Promise<void>,
): Promise<MicroBatchEnd[]> {
  const ends = await Promise.allSettled(
    jobs.map(({ id, requested_at: requestedAt, payload }) =>
      run(payload, { ...deliveryOf(carrier), jobId: id, requestId: requestIdOf(payload), requestedAt }),
    ),
  );
  const [first] = ends.filter((end) => end.status === "rejected");
  const allAskAgain = ends.every((end) => end.status === "rejected" && !isPermanent(end.reason));
  if (first !== undefined && allAskAgain) throw first.reason;
  return Promise.all(
    jobs.map(async (job, index) => {
      const end = ends[index];
      if (end?.status === "fulfilled") return { id: job.id, result: end.value };
      await moveOut(job);
      return { id: job.id, result: null, failed: coerceError(end?.reason).message, moved: true };
    }),
  );
}

function isPermanent(error: unknown): error is Error {
  return error instanceof PermanentJobError || error instanceof JobShapeError;
}

function deliveryOf(job: Job): Delivery {
  return {
    jobId: job.id ?? "",
    requestId: requestIdOf(job.data),
    requestedAt: job.timestamp,
    attempt: job.attemptsStarted,
    redelivered: job.attemptsStarted > 1 || job.stalledCounter > 0,
  };
}
