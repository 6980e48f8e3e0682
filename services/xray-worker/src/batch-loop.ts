import { decodeBatchChange } from "@veil/job-contract";
import { changePart, type KeyBatches, type LifecyclePorts, StoreUnavailableError } from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import {
  lastingFailure,
  type Logger,
  type PeriodicTask,
  type RunningService,
  runLoop,
  type SharedClock,
} from "@veil/runtime";

export interface BatchLoopOptions {
  readonly ports: LifecyclePorts;
  readonly batches: Pick<KeyBatches, "find" | "findUnfinished" | "nextPart" | "advance" | "drop">;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Pick<SharedClock, "earliest">;
  readonly log: Logger;
}

/** A batch that is entered on this worker is begun at once; what another worker left is found by a look. */
const LOOK_EVERY_MS = 2_000;
/** After a worker died its batches rest for so long. */
const LEASE_MS = 5_000;
const FORGET_EVERY_MS = 60 * 60_000;
/** The outcome of a batch can be asked for as long as failed jobs are kept. */
const KEPT_S = 7 * 24 * 60 * 60;

/** The part that working off batches needs. */
type BatchWork = Pick<BatchLoopOptions, "ports" | "batches" | "log">;

/** Carries out changes of many keys, one worker at a time, until the service stops. @returns the loop, to be triggered */
export function startBatchLoop(running: RunningService, options: BatchLoopOptions): PeriodicTask {
  const { batches, exclusive, log } = options;
  runLoop(running, "batch records", {
    everyMs: FORGET_EVERY_MS,
    jitter: 0.5,
    firstRun: "later",
    task: () => forgetBatches(options),
    ...lastingFailure(log, "could not forget old batches"),
  });
  return runLoop(running, "batches", {
    everyMs: LOOK_EVERY_MS,
    jitter: 0.2,
    task: async () => {
      if ((await batches.findUnfinished()).length === 0) return;
      const alone = { ...exclusive, subject: "key-batches", leaseMs: LEASE_MS };
      await runExclusively(alone, () => workOffBatches(options));
    },
    ...lastingFailure(log, "could not change keys of a batch"),
  });
}

/** Forgets outcomes that nobody can ask for any more. */
export function forgetBatches({ batches, clock }: Pick<BatchLoopOptions, "batches" | "clock">): Promise<void> {
  return batches.drop(Math.floor(clock.earliest() / 1_000) - KEPT_S);
}

/**
 * Works off all batches, a part of each in turn: none waits for a long one, nor for one that can't go on.
 *
 * @throws when a store is away, others keep a key, or a batch makes no sense; what was not done is done by the next run
 */
export async function workOffBatches(options: BatchWork): Promise<void> {
  const failures = new Map<string, unknown>();
  const over = new Set<string>();
  while (true) {
    const unfinished = await options.batches.findUnfinished();
    const jobs = unfinished.filter((job) => !failures.has(job) && !over.has(job));
    if (jobs.length === 0) {
      for (const job of over) if (unfinished.includes(job)) failures.set(job, new EndlessBatchError(job));
      break;
    }
    for (const job of jobs) {
      try {
        if (!(await workOffPart(job, options))) over.add(job);
      } catch (error) {
        if (error instanceof StoreUnavailableError) throw error;
        failures.set(job, error);
      }
    }
  }
  for (const error of failures.values()) throw error;
}

/** Why a batch would be looked at for ever. */
class EndlessBatchError extends Error {
  override readonly name = "EndlessBatchError";

  constructor(job: string) {
    super(`no part of batch ${job} is left, and it is not done`);
  }
}

/** @returns false when no part is left: somebody else was faster, or the record says nothing of sense */
async function workOffPart(job: string, { ports, batches, log }: BatchWork): Promise<boolean> {
  const batch = await batches.find(job);
  if (batch === null || batch.next >= batch.parts) return false;
  const change = decodeBatchChange(batch.change);
  const end = await changePart(batch, await batches.nextPart(batch), change, ports);
  await batches.advance(batch, end);
  const { next, parts } = batch;
  log.debug({ job, part: next + 1, parts, done: end.done, failed: end.errors.length }, "changed keys of a batch");
  return true;
}
