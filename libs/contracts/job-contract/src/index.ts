/** The catalogue of jobs: what they carry, what they answer, and how a key looks on the wire. Pure: knows no queue. */
export { LARGEST_UPDATE } from "./batch-payloads.ts";
export { decodeBatchChange, encodeBatchChange, keyChange } from "./change-payloads.ts";
export {
  itemJobId,
  jobDefinition,
  type JobName,
  type JobNameOf,
  jobNamesOf,
  type JobPayload,
  type JobResult,
  type QueueName,
  queueNames,
} from "./job-catalogue.ts";
export type { OnlineSilence } from "./online-jobs.ts";
export { type NotApplied, orTooLate, TOO_LATE } from "./not-applied.ts";
export { inboundOfWire, inboundWireOf, tlsOfWire, tlsWireOf } from "./node-wire.ts";
