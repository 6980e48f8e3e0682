/** The queues over BullMQ: typed producer and consumer, failed jobs, figures. Knows no store, no Xray, no HTTP. */
export { JobShapeError, PermanentJobError, QueueUnavailableError } from "./errors.ts";
export { type FailedJob, FailedJobs, type FailedJobsOptions } from "./failed-jobs.ts";
export { JobAdder } from "./job-adder.ts";
export {
  createJobClient,
  type JobClient,
  type JobClientOptions,
  type JobProgress,
  type SubmitOptions,
} from "./job-client.ts";
export type { Delivery, JobHandler, JobHandlers } from "./job-dispatcher.ts";
export { jobMetrics } from "./job-metrics.ts";
export type { JobOutcome } from "./job-outcome.ts";
export type { JobStep } from "./job-steps.ts";
export { openQueues, type OpenQueues } from "./open-queues.ts";
export { type QueueFigures, queueJobStates, readQueueFigures } from "./queue-figures.ts";
export { DEFAULT_QUEUE_PREFIX as defaultQueuePrefix } from "./queue-options.ts";
export { serveJobs, type ServeJobsOptions } from "./job-consumer.ts";
export type { Queue, Telemetry } from "bullmq";
