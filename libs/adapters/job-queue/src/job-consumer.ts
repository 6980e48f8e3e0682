import type { QueueName } from "@veil/job-contract";
import { JOB_LOCK_MS, STALLED_CHECK_MS } from "@veil/keys";
import { connectRedis, type Redis } from "@veil/redis";
import {
  type Clock,
  limitRepeats,
  type Logger,
  type PeriodicTask,
  type RunningService,
  runPeriodically,
  systemClock,
} from "@veil/runtime";
import { type Job, MetricsTime, Queue, type Telemetry, Worker } from "bullmq";
import { DeliveryTimes } from "./delivery-times.ts";
import { jobDispatcher, type JobHandlers, type MoveOut } from "./job-dispatcher.ts";
import { completedSteps, failedSteps, type JobStep, stalledStep } from "./job-steps.ts";
import { logJobStep } from "./log-job-step.ts";
import { backoffMs, DEFAULT_QUEUE_PREFIX, jobOptions } from "./queue-options.ts";

export interface JobConsumerOptions<Q extends QueueName> {
  readonly queue: Q;
  readonly redisUrl: string;
  readonly prefix?: string;
  /** BullMQ jobs under way at once in this process; each may carry a micro-batch. */
  readonly concurrency: number;
  readonly handlers: JobHandlers<Q>;
  /** Where traces go on that began with the request. */
  readonly telemetry?: Telemetry | undefined;
  /** The clock that dates requests; the machine's when left out. */
  readonly clock?: Pick<Clock, "now" | "monotonic">;
  readonly onStep: (step: JobStep) => void;
  readonly onError: (error: Error) => void;
}

export interface JobConsumer {
  /** Takes no new job and resolves when those under way have ended. */
  drain(): Promise<void>;
  /** Closes the connections; a job still under way is handed back by BullMQ's stalled check. */
  close(): Promise<void>;
}

/** Deliveries lost with their worker before BullMQ gives a job up; every handler may run twice, so more than its default. */
const MAX_STALLED_COUNT = 10;

/** Starts to take jobs from one queue. */
export function consumeJobs<Q extends QueueName>(options: JobConsumerOptions<Q>): JobConsumer {
  const { queue, redisUrl, prefix = DEFAULT_QUEUE_PREFIX, concurrency, clock = systemClock, onStep, onError } = options;
  const connection = connectRedis(redisUrl, "patient", onError);
  const added = new Queue(queue, { connection, prefix });
  added.on("error", onError);
  const moveOut: MoveOut = async (name, job) => {
    await added.add(name, job.payload, jobOptions(name, job));
  };
  const times = new DeliveryTimes(clock);
  const dispatch = jobDispatcher(options.handlers, queue, moveOut);
  const worker = new Worker(queue, (job) => times.measure(job, () => dispatch(job)), {
    connection,
    prefix,
    concurrency,
    lockDuration: JOB_LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: MAX_STALLED_COUNT,
    // BullMQ then keeps totals of what ended, which outlive the jobs.
    metrics: { maxDataPoints: MetricsTime.ONE_HOUR },
    ...(options.telemetry !== undefined && { telemetry: options.telemetry }),
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade) },
  });
  worker.on("error", onError);
  worker.on("completed", (job, result: unknown) => {
    completedSteps(queue, job, times.of(job), result).forEach(onStep);
    dropLargeData(job).catch(onError);
  });
  worker.on("failed", (job, error) => {
    if (job !== undefined) failedSteps(queue, job, times.of(job), error).forEach(onStep);
  });
  worker.on("stalled", (jobId) => onStep(stalledStep(queue, jobId)));
  const trimming = trimEvents(connection, { prefix, queue }, onError);
  return {
    // Without Redis nothing is taken anyway, and BullMQ would wait for it.
    drain: async () => {
      if (connection.status === "ready") await worker.pause();
    },
    close: async () => {
      void trimming.stop();
      await worker.close(true);
      added.close().catch(onError);
      connection.disconnect();
    },
  };
}

/**
 * Events are for those who wait at this moment, and who missed one asks for the job itself. BullMQ bounds its stream by a number
 * of entries alone, and one entry may hold the result of a thousand keys.
 */
const EVENTS_KEPT_MS = 60_000;
const TRIM_EVERY_MS = 5_000;

/** By the clock of Redis, which made the ids of the entries. */
const TRIM = `local t = redis.call('TIME')
return redis.call('XTRIM', KEYS[1], 'MINID', '~', (t[1] - ARGV[1]) * 1000)`;

/** Removes old events of a queue again and again, while there is a connection. @param keptMs for how long an event stays */
export function trimEvents(
  redis: Redis,
  {
    prefix,
    queue,
    keptMs = EVENTS_KEPT_MS,
  }: { readonly prefix: string; readonly queue: QueueName; readonly keptMs?: number },
  onError: (error: Error) => void,
): PeriodicTask {
  return runPeriodically({
    everyMs: TRIM_EVERY_MS,
    jitter: 0.1,
    clock: systemClock,
    task: async () => {
      if (redis.status === "ready") await redis.eval(TRIM, 1, `${prefix}:${queue}:events`, Math.ceil(keptMs / 1_000));
    },
    onError,
  });
}

/** Characters of a job's data that are worth a command. */
const LARGE_DATA_LENGTH = 4_096;

/** Drops what a job was asked to do, once it has ended well: it stays for those who ask for its result. */
async function dropLargeData(job: Job): Promise<void> {
  if (JSON.stringify(job.data).length > LARGE_DATA_LENGTH) await job.updateData({});
}

export interface ServeJobsOptions<Q extends QueueName> extends Omit<JobConsumerOptions<Q>, "onError"> {
  readonly log: Logger;
  /** Log level of jobs that complete normally. */
  readonly completed: Parameters<typeof logJobStep>[1];
}

/** Takes jobs from one queue, and logs every step, until the service stops. */
export function serveJobs<Q extends QueueName>(
  running: Pick<RunningService, "onStop">,
  { log, completed, onStep, ...options }: ServeJobsOptions<Q>,
): void {
  const logStep = logJobStep(log, completed);
  const consumer = consumeJobs({
    ...options,
    onStep: (step) => {
      onStep(step);
      logStep(step);
    },
    onError: limitRepeats((err) => log.warn({ err }, "queue error")),
  });
  running.onStop("intake", "jobs", () => consumer.drain());
  running.onStop("connections", "queue", () => consumer.close());
}
