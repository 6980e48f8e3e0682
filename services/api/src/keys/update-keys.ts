import type { JobBody } from "@veil/http-contract";
import { decodeBatchChange, type JobPayload } from "@veil/job-contract";
import { type KeyBatch, type KeyBatches, tryRead, type Viewer } from "@veil/keys";
import { JobNotFoundError } from "../errors.ts";
import { type PayloadStamp, planWriteJob, submitWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { ownedJobId, seesJob } from "../jobs/job-owner.ts";
import { jobIdOf } from "../jobs/write-jobs.ts";
import { type JobWatch, type RequestScope, viewerOf } from "../ports.ts";
import type { JsonReply } from "../reply/reply.ts";

/** How long callers are asked to wait before they ask how far it is. */
const ASK_AFTER_SECONDS = "1";

/**
 * Has keys changed after the answer, which names the job.
 *
 * @throws {WriteUnavailableError} when it can't begin now
 */
export async function updateKeys(
  asked: Pick<JobPayload<"update-keys">, "keys" | "change">,
  scope: RequestScope,
  ports: WritePorts,
): Promise<JsonReply> {
  const planned = planWriteJob("updateKeys", scope, ports);
  const job = { ...planned, id: ownedJobId(planned.id, viewerOf(scope)) };
  await submitWriteJob({ job, payload: (stamp: PayloadStamp) => ({ ...asked, ...stamp }) }, scope, ports);
  const headers = { Location: `/api/jobs/${job.id}`, "Retry-After": ASK_AFTER_SECONDS };
  return { kind: "json", status: 202, body: { job_id: job.id, status: "queued" }, headers };
}

/** Whether a job changes many keys. */
export function isKeyBatch(jobId: string): boolean {
  return jobId.startsWith(jobIdOf("updateKeys", ""));
}

export interface KeyBatchStatusPorts {
  readonly batches: Pick<KeyBatches, "find" | "nextPart">;
  readonly progress: JobWatch;
}

const UNREADABLE = "the record of this job can't be read";
const UNREADABLE_REST = `${UNREADABLE}: the keys that are left are not changed unless it is mended`;

/**
 * How far a change of many keys is. One whose record makes no sense has failed: no worker goes on with it.
 *
 * @throws {JobNotFoundError} when the caller has none of this id
 * @throws {StoreUnavailableError} while the store is unavailable; {@link QueueUnavailableError} while Redis is
 */
export async function keyBatchStatus(
  jobId: string,
  viewer: Viewer,
  { batches, progress }: KeyBatchStatusPorts,
): Promise<JobBody> {
  if (!seesJob(viewer, jobId)) throw new JobNotFoundError(jobId);
  const begun = await entered(jobId, batches);
  if (begun !== null) return begun;
  const state = await progress.progress("update-keys", jobId);
  if (state === "queued" || state === "running") return { job_id: jobId, status: "queued" };
  // It may have been entered, and its job have ended, since the first look.
  const late = await entered(jobId, batches);
  if (late !== null) return late;
  if (state === "unknown") throw new JobNotFoundError(jobId);
  return { job_id: jobId, status: "failed", detail: "the keys could not be found out; none was changed" };
}

/** @returns null for a batch that is not entered */
async function entered(jobId: string, batches: KeyBatchStatusPorts["batches"]): Promise<JobBody | null> {
  const batch = await tryRead(() => batches.find(jobId));
  if (batch === null) return null;
  if (batch === "unreadable") return { job_id: jobId, status: "failed", detail: UNREADABLE };
  const { job, next, parts, total, done, failed, errors } = batch;
  const figures = { total, done, failed, errors: errors.map(({ keyId, detail }) => ({ key_id: keyId, detail })) };
  if (next >= parts) return { job_id: job, status: "succeeded", ...figures };
  if (await canGoOn(batch, batches)) return { job_id: job, status: "running", ...figures };
  return { job_id: job, status: "failed", detail: UNREADABLE_REST, ...figures };
}

/** Whether a worker can read what is to be done next. */
async function canGoOn(batch: KeyBatch, batches: KeyBatchStatusPorts["batches"]): Promise<boolean> {
  try {
    decodeBatchChange(batch.change);
  } catch {
    return false;
  }
  return (await tryRead(() => batches.nextPart(batch))) !== "unreadable";
}
