import { type Clock, type KeyRecord, wasCreated } from "@veil/keys";
import { SaidReasons, withinTime } from "@veil/runtime";
import {
  TIMED_OUT,
  OutcomeUnknownError,
  QUEUE_UNAVAILABLE,
  STORE_UNAVAILABLE,
  WriteFailedError,
  WriteUnavailableError,
} from "../errors.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";
import type { KeyFacts, RequestScope } from "../ports.ts";
import { failedItem, type ItemOutcome } from "./answer-batch.ts";
import type { CallerKeys } from "../caller-keys.ts";

export interface ResolveCreationsPorts {
  readonly keys: CallerKeys;
  readonly clock: Clock;
}

/** Creations without the worker's result. */
export interface OpenCreations {
  /** The create jobs, in the order of the request. */
  readonly jobs: readonly string[];
  /** Submits the cancellation of some of the jobs. */
  readonly cancel: (open: readonly string[]) => Promise<void>;
  /** Whether somebody has submitted it. */
  readonly isCancelled: () => Promise<boolean>;
  /** Waits until the cancellation has been carried out. False when it was not, in so many milliseconds. */
  readonly cancellationEnds: (timeoutMs: number) => Promise<boolean>;
}

/** The action's name in errors of a creation, alone or in a batch. */
const ACTION = "create key";
const CANCEL_RETRY_MS = 100;

/**
 * Looks up every creation in MongoDB, and cancels all that were not carried out by one durable write. A successor of one that
 * died leaves a cancellation of before as it is, whether or not a worker has come to it, and cancels only what it has looked for in
 * MongoDB and not found.
 *
 * @throws {OutcomeUnknownError} when neither MongoDB nor Redis can be reached, or a cancellation of before is not carried out yet
 */
export async function resolveCreations(
  creations: OpenCreations,
  limits: WriteLimits,
  scope: RequestScope,
  ports: ResolveCreationsPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const { jobs } = creations;
  // By one who led before, and whose answer was not stored.
  const mayBeAnswered = scope.attempt?.isFirst === false;
  const isCancelled = mayBeAnswered && (await askIfCancelled(creations, limits, scope, ports));
  if (isCancelled === "unknown") throw new OutcomeUnknownError(jobs[0] ?? "");
  if (isCancelled) return followCancellation(creations, limits, scope, ports);
  const found = await lookUp(jobs, limits, scope, ports);
  if (found === "unreadable" && mayBeAnswered) throw new OutcomeUnknownError(jobs[0] ?? "");
  const open = found === "unreadable" ? jobs : jobs.filter((job) => !found.has(job));
  const cancelled = open.length === 0 || (await cancelInTime(creations, open, limits, scope, ports));
  return jobs.map((job) => resolved(job, found === "unreadable" ? found : (found.get(job) ?? null), cancelled));
}

/** Whether somebody has cancelled create jobs; unknown when Redis does not say so in time. */
export async function askIfCancelled(
  { jobs, isCancelled }: OpenCreations,
  { answerBy }: WriteLimits,
  { log }: RequestScope,
  { clock }: Pick<ResolveCreationsPorts, "clock">,
): Promise<boolean | "unknown"> {
  try {
    return await withinTime(isCancelled(), (answerBy - clock.now()) / 2);
  } catch (err) {
    log.warn({ job: jobs[0], items: jobs.length, err }, "could not ask whether create jobs were cancelled");
    return "unknown";
  }
}

/** Of a batch only some may have been cancelled: what is there when a worker has carried it out, stays. */
async function followCancellation(
  { jobs, cancellationEnds }: OpenCreations,
  limits: WriteLimits,
  scope: RequestScope,
  ports: ResolveCreationsPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const [job, ...others] = jobs;
  if (job !== undefined && others.length === 0) return [resolved(job, null, true)];
  const waitMs = (limits.answerBy - ports.clock.now()) / 2;
  const hasEnded = await withinTime(cancellationEnds(waitMs), waitMs).catch((err: unknown) => {
    scope.log.warn({ job, items: jobs.length, err }, "could not wait for the cancellation of create jobs");
    return false;
  });
  const found = hasEnded ? await lookUp(jobs, limits, scope, ports) : "unreadable";
  if (found === "unreadable") throw new OutcomeUnknownError(job ?? "");
  return jobs.map((one) => resolved(one, found.get(one) ?? null, true));
}

/** Past the deadline nothing becomes active any more, so that with either store in reach an error stands. */
function resolved(job: string, key: KeyRecord | null | "unreadable", cancelled: boolean): ItemOutcome<KeyFacts> {
  if (key === "unreadable") {
    if (!cancelled) throw new OutcomeUnknownError(job);
    return failedItem(new WriteUnavailableError(ACTION, STORE_UNAVAILABLE));
  }
  if (key === null && !cancelled) return failedItem(new WriteUnavailableError(ACTION, QUEUE_UNAVAILABLE));
  if (key === null) return failedItem(new WriteFailedError(ACTION, TIMED_OUT));
  return wasCreated(key) ? { status: "ok", value: key } : failedItem(new WriteFailedError(ACTION, "rejected"));
}

async function lookUp(
  jobs: readonly string[],
  { answerBy }: WriteLimits,
  { log }: RequestScope,
  { keys, clock }: ResolveCreationsPorts,
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
  keys: ResolveCreationsPorts["keys"],
): Promise<ReadonlyMap<string, KeyRecord>> {
  const [job, ...others] = jobs;
  if (job === undefined || others.length > 0) return keys.findByCreateJobs(jobs);
  const key = await keys.findByCreateJob(job);
  return new Map(key === null ? [] : [[job, key]]);
}

/** That the cancellation exists is what forbids the creations; the worker need not have run it yet. */
async function cancelInTime(
  { cancel }: OpenCreations,
  open: readonly string[],
  { answerBy }: WriteLimits,
  { log }: RequestScope,
  { clock }: ResolveCreationsPorts,
): Promise<boolean> {
  const said = new SaidReasons();
  for (let left = answerBy - clock.now(); left > 0; left = answerBy - clock.now()) {
    try {
      await withinTime(cancel(open), left);
      log.warn({ job: open[0], items: open.length }, "create jobs cancelled");
      return true;
    } catch (error) {
      if (said.isNew(error)) log.warn({ job: open[0], items: open.length, err: error }, "could not cancel create jobs");
      await clock.sleep(Math.max(0, Math.min(CANCEL_RETRY_MS, answerBy - clock.now())));
    }
  }
  return false;
}
