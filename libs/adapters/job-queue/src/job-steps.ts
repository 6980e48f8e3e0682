import type { Job } from "bullmq";
import type { QueueName } from "@veil/job-contract";
import type { DeliveryTime } from "./delivery-times.ts";
import { JobShapeError } from "./errors.ts";
import { endsOfMicroBatch, jobsOfMicroBatch, type MicroBatchJob } from "./micro-batch.ts";

/** One thing that happened to a delivery, for logs and metrics. */
export interface JobStep {
  readonly queue: QueueName;
  readonly name: string;
  readonly jobId: string;
  /** The BullMQ job in which it traveled with others; `bundle_id` in the log. */
  readonly microBatchId?: string;
  readonly requestId: string;
  readonly attempt: number;
  /** `retried`: will be delivered again; `failed`: the last attempt, or a permanent error; `stalled`: its worker died. */
  readonly state: "completed" | "retried" | "failed" | "stalled";
  /** 0 when it is not known, as {@link waitedMs}. */
  readonly durationMs: number;
  /** From the request until this delivery began. */
  readonly waitedMs: number;
  /** The key that the job is about, when it is about one and it is known. */
  readonly keyId?: number;
  readonly outcome?: string;
  readonly error?: Error;
}

/** The steps of a BullMQ job that ended well: one for each job that traveled in it. One that moved is delivered again. */
export function completedSteps(queue: QueueName, job: Job, time: DeliveryTime | null, result: unknown): JobStep[] {
  const ends = new Map(endsOfMicroBatch(result)?.map((end) => [end.id, end]));
  return carried(job).map((sent) => {
    const end = ends.get(sent.id);
    const common = describe(queue, job, sent, time);
    if (end?.moved === true) return { ...common, state: "retried", error: new Error(end.failed) };
    if (end?.failed !== undefined) return { ...common, state: "failed", error: new Error(end.failed) };
    const own = end === undefined ? result : end.result;
    return { ...common, ...keyIn(own), ...outcomeOf(own), state: "completed" };
  });
}

/** The steps of a BullMQ job whose delivery failed. All that traveled in it are delivered again, or given up, together. */
export function failedSteps(queue: QueueName, job: Job, time: DeliveryTime | null, error: Error): JobStep[] {
  const state = job.finishedOn === undefined ? "retried" : "failed";
  return carried(job).map((sent) => ({ ...describe(queue, job, sent, time), state, error }));
}

/** Of a job whose worker died its new owner knows nothing but the id. */
export function stalledStep(queue: QueueName, jobId: string): JobStep {
  return { queue, name: "unknown", jobId, requestId: "", attempt: 0, durationMs: 0, waitedMs: 0, state: "stalled" };
}

interface CarriedJob {
  readonly id: string;
  readonly requestedAt: number;
  readonly payload: unknown;
  readonly microBatchId?: string;
}

function carried(job: Job): CarriedJob[] {
  const id = job.id ?? "";
  const together = jobsIn(job);
  if (together === null) return [{ id, requestedAt: job.timestamp, payload: job.data }];
  return together.map((sent) => ({
    id: sent.id,
    requestedAt: sent.requested_at,
    payload: sent.payload,
    microBatchId: id,
  }));
}

/** A micro-batch that was refused counts as one job. */
function jobsIn({ data }: Job): readonly MicroBatchJob[] | null {
  try {
    return jobsOfMicroBatch(data);
  } catch (error) {
    if (error instanceof JobShapeError) return null;
    throw error;
  }
}

function describe(
  queue: QueueName,
  job: Job,
  { id, requestedAt, payload, microBatchId }: CarriedJob,
  time: DeliveryTime | null,
) {
  return {
    queue,
    name: job.name,
    jobId: id,
    ...(microBatchId !== undefined && { microBatchId }),
    requestId: requestIdOf(payload),
    attempt: job.attemptsStarted,
    durationMs: time?.durationMs ?? 0,
    waitedMs: time === null ? 0 : Math.max(0, time.begunAt - requestedAt),
    ...keyIdOf(payload),
  };
}

/** The id of the request that a payload names, empty when it names none. */
export function requestIdOf(payload: unknown): string {
  if (typeof payload !== "object" || payload === null || !("request_id" in payload)) return "";
  return String(payload.request_id);
}

/** The key of a result that carries one. */
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
