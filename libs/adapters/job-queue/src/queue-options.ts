import type { JobsOptions } from "bullmq";
import { type JobName, jobDefinition, type QueueName } from "@veil/job-contract";
import { z } from "zod";
import { jobsOfMicroBatch, type MicroBatchJob } from "./micro-batch.ts";

/** Prefix of every BullMQ key in Redis: `<prefix>:<queue>:wait` and so on. KEDA's triggers name the same keys. */
export const DEFAULT_QUEUE_PREFIX = "veil";

const MINUTE_S = 60;
const DAY_S = 24 * 60 * MINUTE_S;

/** How long ended jobs stay: results long enough for their waiters. */
const KEEP_COMPLETED = { age: 10 * MINUTE_S, count: 20_000 } as const;
/**
 * Failures long enough to be looked at. Those of webhooks are events that an operator may have sent again, as long as the log
 * has them: a receiver that is away for three days leaves 700 of them, one that refuses some for good up to 1,000 a day. Each
 * takes less than 2 kB of Redis' memory.
 */
const KEEP_FAILED: Readonly<Record<QueueName, { readonly age: number; readonly count: number }>> = {
  "veil-keys": { age: 7 * DAY_S, count: 1_000 },
  "veil-traffic": { age: 7 * DAY_S, count: 1_000 },
  "veil-webhooks": { age: 30 * DAY_S, count: 20_000 },
};

/**
 * Characters of payloads among failed jobs: when a job fails, as many of its size stay as make these, so that batches of callers,
 * of up to 4 MiB each, don't fill Redis for a week.
 */
const FAILED_CHARACTERS = 8 * 1_024 * 1_024;
/** So many stay however large they are. */
const FEWEST_FAILED = 8;

/**
 * BullMQ's priority of jobs that let others go first: any but none. They wait in `<prefix>:<queue>:prioritized`, of which workers
 * of any release take the first when nothing is in `wait`.
 */
const BEHIND_OTHERS = 1;

/** Jobs that have as many attempts are to be done whatever it takes; those with fewer are worth nothing by their deadline. */
const TRIED_TO_THE_END = 12;

/**
 * BullMQ's options for one job of the catalogue; with a priority where its kind yields, and with more attempts where its deadline is
 * far: nobody waits for the answer, and it is tried until then.
 *
 * @param job as it is added; it may be a micro-batch
 */
export function jobOptions(name: JobName, job: MicroBatchJob): JobsOptions {
  const { id: jobId, requested_at: timestamp, payload } = job;
  const { queue, attempts: fewest, keeps, yields } = jobDefinition(name);
  const attempts = fewest < TRIED_TO_THE_END ? fewest : Math.max(fewest, attemptsWithin(timeOf(job)));
  const { age, count } = KEEP_FAILED[queue];
  const ofThisSize = Math.floor(FAILED_CHARACTERS / JSON.stringify(payload).length);
  const keepFailed = { age, count: Math.min(count, Math.max(FEWEST_FAILED, ofThisSize)) };
  return {
    jobId,
    timestamp,
    ...(yields !== undefined && { priority: BEHIND_OTHERS }),
    attempts,
    backoff: { type: "custom" },
    removeOnComplete: keeps === "nothing" ? true : KEEP_COMPLETED,
    removeOnFail: keeps === "nothing" ? true : keepFailed,
  };
}

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 2_000;

/** Delay before an attempt: doubling from 50 ms to 2 s, with up to a quarter of jitter so that retries spread out. */
export function backoffMs(attemptsMade: number, random: () => number = Math.random): number {
  const delay = Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, attemptsMade - 1), LONGEST_BACKOFF_MS);
  return Math.round(delay * (1 - random() / 4));
}

/** So many attempts that the last one comes after this time, in milliseconds, also when each of them fails at once. */
function attemptsWithin(ms: number): number {
  let attempts = 1;
  for (let passed = 0; passed < ms; attempts += 1) passed += backoffMs(attempts, () => 1);
  return attempts;
}

const due = z.object({ deadline: z.number() });

/** Milliseconds from a request until its deadline, 0 for one that has none; of a micro-batch the longest of them. */
function timeOf({ requested_at: requestedAt, payload }: MicroBatchJob): number {
  const found = due.safeParse(payload);
  if (found.success) return found.data.deadline - requestedAt;
  return Math.max(0, ...(jobsOfMicroBatch(payload) ?? []).map(timeOf));
}
