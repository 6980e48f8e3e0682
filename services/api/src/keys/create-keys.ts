import { messages } from "@veil/http-contract";
import { itemJobId, type JobResult } from "@veil/job-contract";
import { type KeyRecord, wasCreated } from "@veil/key-lifecycle";
import { withinTime } from "@veil/service-runtime";
import { OutcomeUnknownError, queueAway, storeAway, WriteSettledError, WriteUnavailableError } from "../errors.ts";
import type { KeyFacts, KeyReader, RequestScope } from "../ports.ts";
import { awaitVerdict } from "../writes/await-verdict.ts";
import { requireStore } from "../writes/require-store.ts";
import { submitJob } from "../writes/submit-job.ts";
import { jobIdOf } from "../writes/write-jobs.ts";
import type { WritePorts } from "../writes/write-ports.ts";
import { batchDeadlineMs, judgingLimits, limitsOf, type WriteLimits } from "../writes/write-limits.ts";
import { type ItemOutcome, notApplied } from "./batch-outcome.ts";
import type { RefusedCreations } from "./refused-creations.ts";

export interface CreateKeysPorts extends WritePorts {
  readonly keys: Pick<KeyReader, "findByCreateJobs">;
  readonly refused: RefusedCreations;
}

const action = "create keys";
const itemAction = "create key";

/**
 * Creates many keys by one job, with a definitive answer for each: what is told of an item is true, as with `createKey`.
 *
 * @throws WriteUnavailableError when there is none of the keys; OutcomeUnknownError when nothing true can be said of some
 */
export async function createKeys(
  names: readonly (string | null)[],
  scope: RequestScope,
  ports: CreateKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  requireStore(action, scope, ports);
  const limits = limitsOf(scope, { ...ports, writeDeadlineMs: batchDeadlineMs(ports.writeDeadlineMs, names.length) });
  const job = jobIdOf("createKeys", scope.turn?.jobKey ?? ports.newId());
  const jobs = names.map((_, index) => itemJobId(job, index));
  const refuse = (items: readonly string[]) => {
    for (const item of items) ports.refused.add(item);
  };
  try {
    const payload = { names: [...names], deadline: limits.jobDeadline, request_id: scope.requestId };
    if (!(await submitJob("create-keys", job, payload, ports.jobs, scope))) {
      throw new WriteUnavailableError(action, queueAway);
    }
    const awaited = { name: "create-keys", jobId: job, until: limits.judgeAt, whenFailed: "wait" } as const;
    const result = await awaitVerdict(awaited, ports, scope);
    const outcomes = result === null ? await judge(job, jobs, limits, scope, ports) : result.items.map(outcomeOf);
    refuse(jobs.filter((_, index) => outcomes[index]?.status !== "ok"));
    return outcomes;
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError || error instanceof WriteSettledError)) refuse(jobs);
    throw error;
  }
}

function outcomeOf(result: JobResult<"create-key">): ItemOutcome<KeyFacts> {
  if (result.outcome !== "created") return notApplied(itemAction, result);
  const { key_id, uuid, name, created_at } = result.key;
  return { status: "ok", value: { keyId: key_id, uuid, name, createdAt: created_at } };
}

/** Looks up every item in MongoDB, and cancels all that were not created by one durable write. */
async function judge(
  job: string,
  jobs: readonly string[],
  before: WriteLimits,
  scope: RequestScope,
  ports: CreateKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const limits = await judgingLimits(job, before, scope, ports);
  const found = await lookUp(jobs, limits, scope, ports);
  const open = found === "unreadable" ? jobs : jobs.filter((item) => !found.has(item));
  const cancelled = open.length === 0 || (await cancel(job, open, limits, scope, ports));
  return jobs.map((item) => judged(found === "unreadable" ? found : (found.get(item) ?? null), cancelled, job));
}

function judged(key: KeyRecord | null | "unreadable", cancelled: boolean, job: string): ItemOutcome<KeyFacts> {
  if (key === "unreadable") {
    if (!cancelled) throw new OutcomeUnknownError(job);
    return failed(storeAway);
  }
  // Past the deadline nothing becomes active any more, so without a cancellation the error stands as well.
  if (key === null) return failed(cancelled ? "not done in time" : queueAway);
  return wasCreated(key) ? { status: "ok", value: key } : failed("it was refused");
}

function failed(reason: string): { readonly status: "error"; readonly detail: string } {
  return { status: "error", detail: messages.failedTo(itemAction, reason) };
}

async function lookUp(
  jobs: readonly string[],
  { answerBy }: WriteLimits,
  { log }: RequestScope,
  { keys, clock }: CreateKeysPorts,
): Promise<ReadonlyMap<string, KeyRecord> | "unreadable"> {
  try {
    return await withinTime(keys.findByCreateJobs(jobs), (answerBy - clock.now()) / 2);
  } catch (error) {
    log.warn({ err: error, items: jobs.length }, "could not look up what became of create jobs");
    return "unreadable";
  }
}

async function cancel(
  job: string,
  open: readonly string[],
  { answerBy }: WriteLimits,
  scope: RequestScope,
  { jobs, clock }: CreateKeysPorts,
): Promise<boolean> {
  const payload = { jobs: [...open], request_id: scope.requestId };
  try {
    await withinTime(jobs.submit("cancel-creations", `cancel-${job}`, payload), answerBy - clock.now());
    scope.log.warn({ job, items: open.length }, "create jobs cancelled");
    return true;
  } catch (error) {
    scope.log.warn({ job, err: error }, "could not cancel create jobs");
    return false;
  }
}
