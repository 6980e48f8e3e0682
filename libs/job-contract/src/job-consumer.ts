import { connectRedis } from "@veil/redis-connection";
import { type Job, MetricsTime, type Telemetry, UnrecoverableError, Worker } from "bullmq";
import { JobShapeError, PermanentJobError } from "./errors.ts";
import type { JobName, JobNameOf, JobPayload, JobResult, QueueName } from "./job-catalogue.ts";
import { jobDefinition, jobNamesOf } from "./job-catalogue.ts";
import { backoffMs, defaultQueuePrefix } from "./queue-options.ts";

/** What a handler may know of its delivery. */
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

/** What happened to one delivery, for logs and metrics. */
export interface JobStep {
  readonly queue: QueueName;
  readonly name: string;
  readonly jobId: string;
  readonly requestId: string;
  readonly attempt: number;
  /** `retried`: will be delivered again; `failed`: the last attempt, or a permanent error; `stalled`: its worker died. */
  readonly state: "completed" | "retried" | "failed" | "stalled";
  readonly durationMs: number;
  /** From the request until this delivery began. */
  readonly waitedMs: number;
  /** The key that the job is about, when it is about one and it is known. */
  readonly keyId?: number;
  readonly outcome?: string;
  readonly error?: Error;
}

export interface JobConsumerOptions<Q extends QueueName> {
  readonly queue: Q;
  readonly redisUrl: string;
  readonly prefix?: string;
  /** Jobs under way at once in this process. */
  readonly concurrency: number;
  readonly handlers: JobHandlers<Q>;
  /** Where traces go on that began with the request. */
  readonly telemetry?: Telemetry | undefined;
  readonly onStep: (step: JobStep) => void;
  readonly onError: (error: Error) => void;
}

export interface JobConsumer {
  /** Takes no new job and resolves when those under way have ended. */
  drain(): Promise<void>;
  /** Closes the connections; a job still under way is handed back by BullMQ's stalled check. */
  close(): Promise<void>;
}

/** A dead worker's job is handed to another one after at most lock + check: early enough to end in its caller's time. */
const lockDurationMs = 4_000;
const stalledIntervalMs = 1_500;
/** Deliveries lost with their worker before BullMQ gives a job up; every handler may run twice, so more than its default. */
const maxStalledCount = 10;

/** Starts to take jobs from one queue. */
export function consumeJobs<Q extends QueueName>(options: JobConsumerOptions<Q>): JobConsumer {
  const { queue, redisUrl, prefix = defaultQueuePrefix, concurrency, onStep, onError } = options;
  const connection = connectRedis(redisUrl, "patient", onError);
  const run = dispatcher(options.handlers, queue);
  const worker = new Worker(queue, run, {
    connection,
    prefix,
    concurrency,
    lockDuration: lockDurationMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount,
    // BullMQ then keeps totals of what ended, which outlive the jobs.
    metrics: { maxDataPoints: MetricsTime.ONE_HOUR },
    ...(options.telemetry !== undefined && { telemetry: options.telemetry }),
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade) },
  });
  worker.on("error", onError);
  worker.on("completed", (job, result: unknown) =>
    onStep({ ...describe(queue, job), ...keyIn(result), ...outcomeOf(result), state: "completed" }),
  );
  worker.on("failed", (job, error) => {
    if (job === undefined) return;
    const state = job.finishedOn === undefined ? "retried" : "failed";
    onStep({ ...describe(queue, job), state, error });
  });
  worker.on("stalled", (jobId) =>
    onStep({ queue, name: "unknown", jobId, requestId: "", attempt: 0, durationMs: 0, waitedMs: 0, state: "stalled" }),
  );
  return {
    // Without Redis nothing is taken anyway, and BullMQ would wait for it.
    drain: async () => {
      if (connection.status === "ready") await worker.pause();
    },
    close: async () => {
      await worker.close(true);
      connection.disconnect();
    },
  };
}

type RunJob = (data: unknown, delivery: Delivery) => Promise<unknown>;

function dispatcher<Q extends QueueName>(handlers: JobHandlers<Q>, queue: Q): (job: Job) => Promise<unknown> {
  const runners = new Map(jobNamesOf(queue).map((name) => [name as string, runnerOf(name, handlers)]));
  return async (job) => {
    const run = runners.get(job.name);
    if (run === undefined) throw new UnrecoverableError(`no handler for ${job.name}`);
    try {
      return await run(job.data, deliveryOf(job));
    } catch (error) {
      if (error instanceof PermanentJobError || error instanceof JobShapeError) {
        throw new UnrecoverableError(error.message);
      }
      throw error;
    }
  };
}

function runnerOf<N extends JobName>(name: N, handlers: Partial<{ readonly [K in N]: JobHandler<K> }>): RunJob {
  const handler = handlers[name];
  if (handler === undefined) throw new Error(`there is no handler for ${name}`);
  const { payload } = jobDefinition(name);
  return async (data, delivery) => {
    const parsed = payload.safeParse(data);
    if (!parsed.success) throw new JobShapeError(`payload of ${name} does not fit: ${parsed.error.message}`);
    return handler(parsed.data, delivery);
  };
}

function deliveryOf(job: Job): Delivery {
  return {
    jobId: job.id ?? "",
    requestId: requestIdOf(job),
    requestedAt: job.timestamp,
    attempt: job.attemptsStarted,
    redelivered: job.attemptsStarted > 1 || job.stalledCounter > 0,
  };
}

function requestIdOf(job: Job): string {
  const data: unknown = job.data;
  if (typeof data !== "object" || data === null || !("request_id" in data)) return "";
  return String(data.request_id);
}

function describe(queue: QueueName, job: Job) {
  const ended = job.finishedOn ?? Date.now();
  const data: unknown = job.data;
  return {
    queue,
    name: job.name,
    jobId: job.id ?? "",
    requestId: requestIdOf(job),
    attempt: job.attemptsStarted,
    durationMs: Math.max(0, ended - (job.processedOn ?? ended)),
    waitedMs: Math.max(0, (job.processedOn ?? ended) - job.timestamp),
    ...keyIdOf(data),
  };
}

/** The key of a result that tells of one. */
function keyIn(result: unknown): { keyId?: number } {
  return typeof result === "object" && result !== null && "key" in result ? keyIdOf(result.key) : {};
}

function keyIdOf(data: unknown): { keyId?: number } {
  if (typeof data !== "object" || data === null || !("key_id" in data)) return {};
  return typeof data.key_id === "number" ? { keyId: data.key_id } : {};
}

function outcomeOf(result: unknown): { outcome?: string } {
  if (typeof result !== "object" || result === null || !("outcome" in result)) return {};
  return { outcome: String(result.outcome) };
}
