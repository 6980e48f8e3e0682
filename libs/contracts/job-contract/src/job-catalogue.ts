import { z } from "zod";
import { updateKeysPayload } from "./batch-payloads.ts";
import { keyChange } from "./change-payloads.ts";
import { createKeyPayload, createKeysPayload } from "./create-payloads.ts";
import { createKeysResult, createResult } from "./create-results.ts";
import { deviceJobs } from "./device-jobs.ts";
import { hostJobs } from "./host-jobs.ts";
import { keyCodec, keyName } from "./key-codec.ts";
import { contradicted, notApplied } from "./not-applied.ts";
import { nodeJobs } from "./node-jobs.ts";
import { onlineJobs } from "./online-jobs.ts";
import { actor, deadline, LARGEST_BATCH, owner, requestId } from "./payload-fields.ts";
import { chosenTerms } from "./terms-codec.ts";
import { tokenJobs } from "./token-jobs.ts";
import { webhookJobs } from "./webhook-jobs.ts";

const keyId = z.number().int().nonnegative();

const changed = z.object({ outcome: z.literal("changed"), key: keyCodec, is_changed: z.boolean() });

/** The key has another revision than the caller has seen. */
const outdated = z.object({ outcome: z.literal("outdated") });

const [unavailable, failed] = notApplied;
/** Whether the change stands all the same: nodes follow when they can. New in 1.5. */
const is_stored = z.boolean().exactOptional();

const counted = z.number().int().nonnegative();

/**
 * From where the terms counted when the caller read them, in milliseconds `at`. A result says it again, since the change that follows a
 * reset takes it from the terms. New in 1.5.
 */
const counted_from = z
  .object({
    used_from: z.object({ upload: counted, download: counted }),
    next_reset_at: z.number().int().nullable(),
    at: z.number().int(),
  })
  .exactOptional();

const changeResult = z.discriminatedUnion("outcome", [
  changed,
  z.object({ outcome: z.literal("not-found") }),
  outdated,
  ...contradicted,
  unavailable.extend({ is_stored }),
  failed.extend({ is_stored }),
]);

const deleteResult = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("deleted") }),
  z.object({ outcome: z.literal("not-found") }),
  ...notApplied,
]);

/** Queues by what consumes them: the worker owns key jobs and deliveries to webhooks, the collector traffic jobs. */
export const queueNames = ["veil-keys", "veil-traffic", "veil-webhooks"] as const;
export type QueueName = (typeof queueNames)[number];

/**
 * Every job of the system: its queue, its payload, its result and how often it is attempted.
 * Outcomes that a caller must see are results; a thrown error means "try again".
 *
 * Payloads and results are encoded into Redis and decoded from it. During a rolling update services of two releases share
 * the queues: a field that is new is optional in Redis, one that goes is written for a release longer, and what a schema
 * does not know is dropped.
 */
export const jobCatalogue = {
  "create-key": {
    queue: "veil-keys",
    payload: createKeyPayload,
    result: createResult,
    attempts: 12,
    travels: "in-micro-batches",
  },
  /** Many creations at once; each item is a creation of its own, under {@link itemJobId}. */
  "create-keys": {
    queue: "veil-keys",
    payload: createKeysPayload,
    result: createKeysResult,
    attempts: 12,
    yields: "to-single-writes",
  },
  "cancel-creation": {
    queue: "veil-keys",
    payload: z.object({ job: z.string(), request_id: requestId }),
    result: z.object({ outcome: z.literal("cancelled") }),
    attempts: 30,
  },
  /** Many cancellations by one durable write. */
  "cancel-creations": {
    queue: "veil-keys",
    payload: z.object({ jobs: z.array(z.string()).min(1).max(LARGEST_BATCH), request_id: requestId }),
    result: z.object({ outcome: z.literal("cancelled") }),
    attempts: 30,
    yields: "to-single-writes",
  },
  "delete-key": {
    queue: "veil-keys",
    payload: z.object({ key_id: keyId, owner, deadline, request_id: requestId, actor }),
    result: deleteResult,
    attempts: 12,
    travels: "in-micro-batches",
  },
  /** Many deletions at once; each item is a deletion of its own, under {@link itemJobId}. */
  "delete-keys": {
    queue: "veil-keys",
    payload: z.object({
      key_ids: z.array(keyId).min(1).max(LARGEST_BATCH),
      owner,
      deadline,
      request_id: requestId,
      actor,
    }),
    result: z.object({ outcome: z.literal("done"), items: z.array(deleteResult) }),
    attempts: 12,
    yields: "to-single-writes",
  },
  /** Changes a key: all of it or nothing. New in 1.1. */
  "change-key": {
    queue: "veil-keys",
    payload: z.object({
      key_id: keyId,
      owner,
      change: keyChange,
      if_revision: z.number().int().nullable(),
      deadline,
      request_id: requestId,
      actor,
    }),
    result: changeResult,
    attempts: 12,
    travels: "in-micro-batches",
  },
  /** Makes the key that has an external id, or changes it. New in 1.1. */
  "put-key": {
    queue: "veil-keys",
    payload: z.object({
      external_id: z.string(),
      owner,
      name: keyName.exactOptional(),
      terms: chosenTerms,
      /** The revision that the caller has seen; `any` for one that is there. Left out: makes the key. New in 1.5. */
      if_revision: z.union([z.number().int(), z.literal("any")]).exactOptional(),
      deadline,
      request_id: requestId,
      actor,
    }),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("created"), key: keyCodec }),
      changed,
      outdated,
      ...contradicted,
      ...notApplied,
    ]),
    attempts: 12,
    travels: "in-micro-batches",
  },
  /**
   * Enters a change of many keys, which the workers then carry out beside their jobs; for two minutes, as it was answered before and
   * its deadline ends nothing. New in 1.1.
   */
  "update-keys": {
    queue: "veil-keys",
    payload: updateKeysPayload,
    result: z.object({ outcome: z.literal("begun") }),
    attempts: 70,
  },
  ...tokenJobs,
  ...deviceJobs,
  ...webhookJobs,
  ...nodeJobs,
  ...hostJobs,
  "refresh-traffic": {
    queue: "veil-traffic",
    payload: z.object({ key_id: keyId, deadline, request_id: requestId }),
    result: z.discriminatedUnion("outcome", [
      z.object({
        outcome: z.literal("fresh"),
        upload: z.number().int().nonnegative(),
        download: z.number().int().nonnegative(),
        last_updated: z.number().int(),
      }),
      z.object({ outcome: z.literal("stale") }),
    ]),
    attempts: 1,
    travels: "in-micro-batches",
  },
  "reset-traffic": {
    queue: "veil-traffic",
    payload: z.object({ key_id: keyId, owner, deadline, request_id: requestId, counted_from }),
    result: z.discriminatedUnion("outcome", [
      z.object({
        outcome: z.literal("reset"),
        previous_upload: counted,
        previous_download: counted,
        /** All bytes that resets of the ledger have taken back by then. A collector of the version before leaves them out. */
        reset_upload: counted.optional(),
        reset_download: counted.optional(),
        counted_from,
      }),
      z.object({ outcome: z.literal("not-found") }),
      ...notApplied,
    ]),
    attempts: 12,
  },
  ...onlineJobs,
  "sync-traffic": {
    queue: "veil-traffic",
    /** Every node is read; counted is what the caller sees. */
    payload: z.object({ owner, request_id: requestId }),
    result: z.object({
      outcome: z.literal("synced"),
      updated: z.number().int().nonnegative(),
      errors: z.number().int().nonnegative(),
    }),
    attempts: 3,
  },
} as const satisfies Record<string, JobDefinition>;

/** One job of the catalogue. */
export interface JobDefinition<Payload = unknown, Result = unknown> {
  readonly queue: QueueName;
  readonly payload: z.ZodType<Payload>;
  readonly result: z.ZodType<Result>;
  /** Deliveries before the job counts as failed, the fewest where its deadline is far; stalled deliveries are counted apart by BullMQ. */
  readonly attempts: number;
  /** Whether those that are submitted at the same moment may travel as one BullMQ job; left out for jobs that are large or few. */
  readonly travels?: "in-micro-batches";
  /** Whether those that wait let other jobs of their queue go first; for jobs on many keys. */
  readonly yields?: "to-single-writes";
  /** Whether Redis forgets the job once it has ended; left out for jobs whose result or failure somebody asks for. */
  readonly keeps?: "nothing";
}

export type JobName = keyof typeof jobCatalogue;
export type JobPayload<N extends JobName> = z.infer<(typeof jobCatalogue)[N]["payload"]>;
export type JobResult<N extends JobName> = z.infer<(typeof jobCatalogue)[N]["result"]>;

const definitions: { readonly [N in JobName]: JobDefinition<JobPayload<N>, JobResult<N>> } = jobCatalogue;

/** Under which job id an item of a batch job claims, deletes and is cancelled, as a job of its own would. */
export function itemJobId(batchJobId: string, index: number): string {
  return `${batchJobId}-${index}`;
}

/** The definition of a job, typed by its name. */
export function jobDefinition<N extends JobName>(name: N): JobDefinition<JobPayload<N>, JobResult<N>> {
  return definitions[name];
}

/** Names of the jobs that wait in one queue. */
export type JobNameOf<Q extends QueueName> = {
  [N in JobName]: (typeof jobCatalogue)[N]["queue"] extends Q ? N : never;
}[JobName];

/** Whether a name is in the catalogue. */
export function isJobName(name: string): name is JobName {
  return Object.hasOwn(jobCatalogue, name);
}

/** The jobs of one queue, in the catalogue's order. */
export function jobNamesOf(queue: QueueName): JobName[] {
  return Object.keys(jobCatalogue)
    .filter(isJobName)
    .filter((name) => jobCatalogue[name].queue === queue);
}
