export { JobShapeError, PermanentJobError, QueueUnavailableError } from "./errors.ts";
export { type FailedJob, FailedJobs, type FailedJobsOptions } from "./failed-jobs.ts";
export {
  itemJobId,
  type JobName,
  type JobPayload,
  type JobResult,
  jobNamesOf,
  type QueueName,
  queueNames,
} from "./job-catalogue.ts";
export {
  createJobClient,
  type JobClient,
  type JobClientOptions,
  type JobProgress,
  type JobVerdict,
} from "./job-client.ts";
export {
  consumeJobs,
  type Delivery,
  type JobConsumer,
  type JobConsumerOptions,
  type JobHandler,
  type JobHandlers,
  type JobStep,
} from "./job-consumer.ts";
export { defaultQueuePrefix } from "./queue-options.ts";
