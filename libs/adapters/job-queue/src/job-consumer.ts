import { JOB_LOCK_MS, STALLED_CHECK_MS } from "@veil/keys";
import { connectRedis } from "@veil/redis";
import { MetricsTime, Queue, type Telemetry, Worker } from "bullmq";
import type { QueueName } from "@veil/job-contract";
import { dropLargeData, trimEvents } from "./bound-memory.ts";
import { jobDispatcher, type JobHandlers, type MoveOut } from "./job-dispatcher.ts";
import { completedSteps, failedSteps, type JobStep, stalledStep } from "./job-steps.ts";
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
  const { queue, redisUrl, prefix = DEFAULT_QUEUE_PREFIX, concurrency, onStep, onError } = options;
  const connection = connectRedis(redisUrl, "patient", onError);
  const added = new Queue(queue, { connection, prefix });
  added.on("error", onError);
  const moveOut: MoveOut = async (name, { id, requested_at: timestamp, payload }) => {
    await added.add(name, payload, { ...jobOptions(name, id), timestamp });
  };
  const worker = new Worker(queue, jobDispatcher(options.handlers, queue, moveOut), {
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
    completedSteps(queue, job, result).forEach(onStep);
    dropLargeData(job).catch(onError);
  });
  worker.on("failed", (job, error) => {
    if (job !== undefined) failedSteps(queue, job, error).forEach(onStep);
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
