import type { QueueName } from "@veil/job-contract";
import type { Redis } from "@veil/redis";
import { type PeriodicTask, runPeriodically, systemClock } from "@veil/runtime";
import type { Job } from "bullmq";

/**
 * Events are for those who wait at this moment, and who missed one asks for the job itself. BullMQ bounds its stream by a number
 * of entries alone, and one entry may hold the result of a thousand keys.
 */
const EVENTS_KEPT_MS = 60_000;
const TRIM_EVERY_MS = 5_000;

/** By the clock of Redis, which made the ids of the entries. */
const TRIM = `local t = redis.call('TIME')
return redis.call('XTRIM', KEYS[1], 'MINID', '~', (t[1] - ARGV[1]) * 1000)`;

/** Removes old events of a queue again and again, while there is a connection. @param keptMs for how long an event stays */
export function trimEvents(
  redis: Redis,
  {
    prefix,
    queue,
    keptMs = EVENTS_KEPT_MS,
  }: { readonly prefix: string; readonly queue: QueueName; readonly keptMs?: number },
  onError: (error: Error) => void,
): PeriodicTask {
  return runPeriodically({
    everyMs: TRIM_EVERY_MS,
    jitter: 0.1,
    clock: systemClock,
    task: async () => {
      if (redis.status === "ready") await redis.eval(TRIM, 1, `${prefix}:${queue}:events`, Math.ceil(keptMs / 1_000));
    },
    onError,
  });
}

/** Characters of a job's data that are worth a command. */
const LARGE_DATA_LENGTH = 4_096;

/** Drops what a job was asked to do, once it has ended well: it stays for those who ask for its result. */
export async function dropLargeData(job: Job): Promise<void> {
  if (JSON.stringify(job.data).length > LARGE_DATA_LENGTH) await job.updateData({});
}
