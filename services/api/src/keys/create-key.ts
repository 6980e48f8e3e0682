import type { JobResult } from "@veil/job-contract";
import { type KeyRecord, wasCreated } from "@veil/key-lifecycle";
import { withinTime } from "@veil/service-runtime";
import {
  OutcomeUnknownError,
  queueAway,
  storeAway,
  WriteFailedError,
  WriteRefusedError,
  WriteSettledError,
  WriteUnavailableError,
} from "../errors.ts";
import type { KeyFacts, KeyReader, RequestScope } from "../ports.ts";
import { awaitVerdict } from "../writes/await-verdict.ts";
import { requireStore } from "../writes/require-store.ts";
import { submitJob } from "../writes/submit-job.ts";
import { jobIdOf } from "../writes/write-jobs.ts";
import { judgingLimits, limitsOf, type WriteLimits } from "../writes/write-limits.ts";
import type { WritePorts } from "../writes/write-ports.ts";
import type { RefusedCreations } from "./refused-creations.ts";

export interface CreateKeyPorts extends WritePorts {
  readonly keys: Pick<KeyReader, "findByCreateJob">;
  readonly refused: RefusedCreations;
}

const action = "create key";
const cancelRetryMs = 100;

/**
 * Creates a key, with a definitive answer: a key is returned, or an error is thrown and no key will ever be found.
 *
 * The worker decides until the job's deadline. Without its word this request is the one judge: it looks in
 * MongoDB, and unless the key was created it cancels the job durably before it reports the error.
 *
 * @throws WriteFailedError or WriteUnavailableError when there is no key; OutcomeUnknownError when nothing true
 * can be said, because neither MongoDB nor Redis can be reached
 */
export async function createKey(name: string | null, scope: RequestScope, ports: CreateKeyPorts): Promise<KeyFacts> {
  requireStore(action, scope, ports);
  const limits = limitsOf(scope, ports);
  const job = jobIdOf("createKey", scope.turn?.jobKey ?? ports.newId());
  const payload = { name, deadline: limits.jobDeadline, request_id: scope.requestId };
  try {
    if (!(await submitJob("create-key", job, payload, ports.jobs, scope))) {
      throw new WriteUnavailableError(action, queueAway);
    }
    const awaited = { name: "create-key", jobId: job, until: limits.judgeAt, whenFailed: "wait" } as const;
    const result = await awaitVerdict(awaited, ports, scope);
    return result === null ? await judge(job, limits, scope, ports) : keyOf(result);
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError || error instanceof WriteSettledError)) ports.refused.add(job);
    throw error;
  }
}

function keyOf(result: JobResult<"create-key">): KeyFacts {
  if (result.outcome === "unavailable") throw new WriteUnavailableError(action, result.detail);
  if (result.outcome === "failed") throw new WriteRefusedError(action, result.detail);
  const { key_id, uuid, name, created_at } = result.key;
  return { keyId: key_id, uuid, name, createdAt: created_at };
}

async function judge(job: string, before: WriteLimits, scope: RequestScope, ports: CreateKeyPorts): Promise<KeyFacts> {
  const limits = await judgingLimits(job, before, scope, ports);
  const found = await lookUp(job, limits, scope, ports);
  if (found !== "unreadable" && found !== null) {
    if (wasCreated(found)) return found;
    throw new WriteFailedError(action, "it was refused");
  }
  const cancelled = await cancel(job, limits, scope, ports);
  if (cancelled && found === null) throw new WriteFailedError(action, "not done in time");
  // Past the deadline nothing becomes active any more, so with either store in reach the error stands.
  if (cancelled) throw new WriteUnavailableError(action, storeAway);
  if (found === null) throw new WriteUnavailableError(action, queueAway);
  throw new OutcomeUnknownError(job);
}

async function lookUp(
  job: string,
  { answerBy }: WriteLimits,
  { log }: RequestScope,
  { keys, clock }: CreateKeyPorts,
): Promise<KeyRecord | null | "unreadable"> {
  try {
    return await withinTime(keys.findByCreateJob(job), (answerBy - clock.now()) / 2);
  } catch (error) {
    log.warn({ job, err: error }, "could not look up what became of a create job");
    return "unreadable";
  }
}

/** That this job exists is what forbids the creation; the worker need not have run it yet. */
async function cancel(
  job: string,
  { answerBy }: WriteLimits,
  scope: RequestScope,
  { jobs, clock }: CreateKeyPorts,
): Promise<boolean> {
  const payload = { job, request_id: scope.requestId };
  for (let left = answerBy - clock.now(); left > 0; left = answerBy - clock.now()) {
    try {
      await withinTime(jobs.submit("cancel-creation", `cancel-${job}`, payload), left);
      scope.log.warn({ job }, "create job cancelled");
      return true;
    } catch (error) {
      scope.log.warn({ job, err: error }, "could not cancel a create job");
      await clock.sleep(Math.max(0, Math.min(cancelRetryMs, answerBy - clock.now())));
    }
  }
  return false;
}
