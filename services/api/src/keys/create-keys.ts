import { itemJobId, type JobResult } from "@veil/job-contract";
import { ContradictionError, OutcomeUnknownError, WriteCompletedError } from "../errors.ts";
import { type PayloadStamp, planWriteJob, runWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError } from "../jobs/write-jobs.ts";
import { batchLimitsOf, type WriteLimits } from "../jobs/write-limits.ts";
import type { KeyFacts, RequestedAttributes, RequestScope } from "../ports.ts";
import { failedItem, type ItemOutcome, onlyValue } from "./answer-batch.ts";
import {
  askIfCancelled,
  type OpenCreations,
  resolveCreations,
  type ResolveCreationsPorts,
} from "./resolve-creations.ts";
import type { RefusedCreations } from "./visible-keys.ts";

export interface CreateKeysPorts extends WritePorts, ResolveCreationsPorts {
  readonly refused: RefusedCreations;
}

/**
 * Creates a key, with a definitive answer: a key is returned, or an error is thrown and no key will ever be found.
 *
 * The worker decides until the job's deadline. Without its result this request is the one resolver: it looks in
 * MongoDB, and unless the key was created it cancels the job durably before it reports the error.
 *
 * @throws {WriteFailedError} when there is no key; {@link WriteUnavailableError} if it is worth trying again
 * @throws {OutcomeUnknownError} when nothing true can be said, because neither MongoDB nor Redis can be reached
 */
export async function createKey(
  key: RequestedAttributes,
  scope: RequestScope,
  ports: CreateKeysPorts,
): Promise<KeyFacts> {
  const job = planWriteJob("createKey", scope, ports);
  const request_id = scope.requestId;
  const creations: Creations = {
    jobs: [job.id],
    limits: job.limits,
    run: async (hooks) => {
      const payload = ({ deadline, actor }: PayloadStamp) => ({ key, deadline, request_id, actor });
      const result = await runWriteJob({ job, payload, ...hooks }, scope, ports);
      return Array.isArray(result) ? result : [outcomeOf(result)];
    },
    cancel: () => ports.jobs.submit("cancel-creation", cancelId(job.id), { job: job.id, request_id }),
    ...cancellationOf("cancel-creation", job.id, ports),
  };
  return onlyValue(await createAll(creations, scope, ports));
}

/**
 * Creates many keys by one job, with a definitive answer for each: what is said of an item is true, as with
 * {@link createKey}.
 *
 * @throws {WriteUnavailableError} when there is none of the keys
 * @throws {OutcomeUnknownError} when nothing true can be said of some
 */
export async function createKeys(
  keys: readonly RequestedAttributes[],
  scope: RequestScope,
  ports: CreateKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const job = planWriteJob("createKeys", scope, ports, batchLimitsOf(keys.length, scope, ports));
  const request_id = scope.requestId;
  const creations: Creations = {
    jobs: keys.map((_, index) => itemJobId(job.id, index)),
    limits: job.limits,
    run: async (hooks) => {
      const payload = ({ deadline, actor }: PayloadStamp) => ({ keys: [...keys], deadline, request_id, actor });
      const result = await runWriteJob({ job, payload, ...hooks }, scope, ports);
      return Array.isArray(result) ? result : result.items.map(outcomeOf);
    },
    cancel: (open) => ports.jobs.submit("cancel-creations", cancelId(job.id), { jobs: [...open], request_id }),
    ...cancellationOf("cancel-creations", job.id, ports),
  };
  return createAll(creations, scope, ports);
}

/** Creations that travel in one job: one alone, or the items of a batch. */
interface Creations extends OpenCreations {
  readonly limits: WriteLimits;
  readonly run: (hooks: RunHooks) => Promise<ItemOutcome<KeyFacts>[]>;
}

/** The part of a job's run that is the same for one creation and for many. */
interface RunHooks {
  readonly onNoOutcome: (limits: WriteLimits) => Promise<ItemOutcome<KeyFacts>[]>;
  readonly mayBeRevoked: () => Promise<boolean>;
}

/** One cancellation at most for a job, whoever asks for it. */
function cancelId(jobId: string): string {
  return `cancel-${jobId}`;
}

function cancellationOf(
  name: "cancel-creation" | "cancel-creations",
  jobId: string,
  { jobs }: WritePorts,
): Pick<Creations, "isCancelled" | "cancellationEnds"> {
  const id = cancelId(jobId);
  return {
    isCancelled: () => jobs.exists(name, id),
    cancellationEnds: async (timeoutMs) => (await jobs.awaitResult(name, id, timeoutMs)).state === "finished",
  };
}

async function createAll(
  creations: Creations,
  scope: RequestScope,
  ports: CreateKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const { jobs, limits, run } = creations;
  const hooks: RunHooks = {
    onNoOutcome: (left) => resolveCreations(creations, left, scope, ports),
    // A worker's result is not the last word where one who led before died: it may have cancelled the job without having heard it.
    mayBeRevoked: async () => (await askIfCancelled(creations, limits, scope, ports)) !== false,
  };
  try {
    const outcomes = await run(hooks);
    ports.refused.add(jobs.filter((_, index) => outcomes[index]?.status !== "ok"));
    return outcomes;
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError || error instanceof WriteCompletedError)) ports.refused.add(jobs);
    throw error;
  }
}

function outcomeOf(result: JobResult<"create-key">): ItemOutcome<KeyFacts> {
  if (result.outcome === "taken") return failedItem(new ContradictionError("taken", result.detail));
  if (result.outcome !== "created") return failedItem(notAppliedError("createKey", result));
  return { status: "ok", value: result.key };
}
