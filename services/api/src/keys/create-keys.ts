import { itemJobId, type JobResult } from "@veil/job-contract";
import { type KeyRecord, wasCreated } from "@veil/key-lifecycle";
import { withinTime } from "@veil/service-runtime";
import {
  NOT_IN_TIME,
  OutcomeUnknownError,
  QUEUE_UNAVAILABLE,
  STORE_UNAVAILABLE,
  WriteCompletedError,
  WriteFailedError,
  WriteRejectedError,
  WriteUnavailableError,
} from "../errors.ts";
import { planWriteJob, runWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { batchLimitsOf, type WriteLimits } from "../jobs/write-limits.ts";
import type { KeyFacts, KeyReader, RequestScope } from "../ports.ts";
import { type ItemOutcome, onlyValue } from "./answer-batch.ts";
import type { RefusedCreations } from "./visible-keys.ts";

export interface CreateKeysPorts extends WritePorts {
  readonly keys: Pick<KeyReader, "findByCreateJob" | "findByCreateJobs">;
  readonly refused: RefusedCreations;
}

const ACTION = "create key";
const CANCEL_RETRY_MS = 100;

/**
 * Creates a key, with a definitive answer: a key is returned, or an error is thrown and no key will ever be found.
 *
 * The worker decides until the job's deadline. Without its result this request is the one resolver: it looks in
 * MongoDB, and unless the key was created it cancels the job durably before it reports the error.
 *
 * @throws {WriteFailedError} when there is no key; {@link WriteUnavailableError} if it is worth trying again
 * @throws {OutcomeUnknownError} when nothing true can be said, because neither MongoDB nor Redis can be reached
 */
export async function createKey(name: string | null, scope: RequestScope, ports: CreateKeysPorts): Promise<KeyFacts> {
  const job = planWriteJob("createKey", scope, ports);
  const request_id = scope.requestId;
  const creations: Creations = {
    jobs: [job.id],
    run: async (onNoOutcome) => {
      const result = await runWriteJob({ job, payload: (stamp) => ({ name, ...stamp }), onNoOutcome }, scope, ports);
      return Array.isArray(result) ? result : [outcomeOf(result)];
    },
    cancel: () => ports.jobs.submit("cancel-creation", `cancel-${job.id}`, { job: job.id, request_id }),
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
  names: readonly (string | null)[],
  scope: RequestScope,
  ports: CreateKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const job = planWriteJob("createKeys", scope, ports, batchLimitsOf(names.length, scope, ports));
  const request_id = scope.requestId;
  const creations: Creations = {
    jobs: names.map((_, index) => itemJobId(job.id, index)),
    run: async (onNoOutcome) => {
      const result = await runWriteJob(
        { job, payload: (stamp) => ({ names: [...names], ...stamp }), onNoOutcome },
        scope,
        ports,
      );
      return Array.isArray(result) ? result : result.items.map(outcomeOf);
    },
    cancel: (open) => ports.jobs.submit("cancel-creations", `cancel-${job.id}`, { jobs: [...open], request_id }),
  };
  return createAll(creations, scope, ports);
}

/** Creations that travel in one job: one alone, or the items of a batch. */
interface Creations {
  /** The create jobs, in the order of the request. */
  readonly jobs: readonly [string, ...string[]] | readonly string[];
  readonly run: (
    onNoOutcome: (limits: WriteLimits) => Promise<ItemOutcome<KeyFacts>[]>,
  ) => Promise<ItemOutcome<KeyFacts>[]>;
  /** Submits the cancellation of some of the jobs. */
  readonly cancel: (open: readonly string[]) => Promise<void>;
}

async function createAll(
  creations: Creations,
  scope: RequestScope,
  ports: CreateKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const { jobs, run } = creations;
  try {
    const outcomes = await run((limits) => resolveOutcomes(creations, limits, scope, ports));
    ports.refused.add(jobs.filter((_, index) => outcomes[index]?.status !== "ok"));
    return outcomes;
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError || error instanceof WriteCompletedError)) ports.refused.add(jobs);
    throw error;
  }
}

function outcomeOf(result: JobResult<"create-key">): ItemOutcome<KeyFacts> {
  if (result.outcome === "unavailable") return failed(new WriteUnavailableError(ACTION, result.detail));
  if (result.outcome === "failed") return failed(new WriteRejectedError(ACTION, result.detail));
  const { key_id, uuid, name, created_at } = result.key;
  return { status: "ok", value: { keyId: key_id, uuid, name, createdAt: created_at } };
}

/** Looks up every creation in MongoDB, and cancels all that were not carried out by one durable write. */
async function resolveOutcomes(
  creations: Creations,
  limits: WriteLimits,
  scope: RequestScope,
  ports: CreateKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const { jobs } = creations;
  const found = await lookUp(jobs, limits, scope, ports);
  const open = found === "unreadable" ? jobs : jobs.filter((job) => !found.has(job));
  const cancelled = open.length === 0 || (await cancelInTime(creations, open, limits, scope, ports));
  return jobs.map((job) => resolved(job, found === "unreadable" ? found : (found.get(job) ?? null), cancelled));
}

/** Past the deadline nothing becomes active any more, so that with either store in reach an error stands. */
function resolved(job: string, key: KeyRecord | null | "unreadable", cancelled: boolean): ItemOutcome<KeyFacts> {
  if (key === "unreadable") {
    if (!cancelled) throw new OutcomeUnknownError(job);
    return failed(new WriteUnavailableError(ACTION, STORE_UNAVAILABLE));
  }
  if (key === null && !cancelled) return failed(new WriteUnavailableError(ACTION, QUEUE_UNAVAILABLE));
  if (key === null) return failed(new WriteFailedError(ACTION, NOT_IN_TIME));
  return wasCreated(key) ? { status: "ok", value: key } : failed(new WriteFailedError(ACTION, "it was refused"));
}

function failed(error: Error): { readonly status: "error"; readonly error: Error } {
  return { status: "error", error };
}

async function lookUp(
  jobs: readonly string[],
  { answerBy }: WriteLimits,
  { log }: RequestScope,
  { keys, clock }: CreateKeysPorts,
): Promise<ReadonlyMap<string, KeyRecord> | "unreadable"> {
  try {
    return await withinTime(findByJobs(jobs, keys), (answerBy - clock.now()) / 2);
  } catch (error) {
    log.warn({ job: jobs[0], items: jobs.length, err: error }, "could not look up what became of create jobs");
    return "unreadable";
  }
}

async function findByJobs(
  jobs: readonly string[],
  keys: CreateKeysPorts["keys"],
): Promise<ReadonlyMap<string, KeyRecord>> {
  const [job, ...others] = jobs;
  if (job === undefined || others.length > 0) return keys.findByCreateJobs(jobs);
  const key = await keys.findByCreateJob(job);
  return new Map(key === null ? [] : [[job, key]]);
}

/** That the cancellation exists is what forbids the creations; the worker need not have run it yet. */
async function cancelInTime(
  { cancel }: Creations,
  open: readonly string[],
  { answerBy }: WriteLimits,
  { log }: RequestScope,
  { clock }: CreateKeysPorts,
): Promise<boolean> {
  for (let left = answerBy - clock.now(); left > 0; left = answerBy - clock.now()) {
    try {
      await withinTime(cancel(open), left);
      log.warn({ job: open[0], items: open.length }, "create jobs cancelled");
      return true;
    } catch (error) {
      log.warn({ job: open[0], items: open.length, err: error }, "could not cancel create jobs");
      await clock.sleep(Math.max(0, Math.min(CANCEL_RETRY_MS, answerBy - clock.now())));
    }
  }
  return false;
}
