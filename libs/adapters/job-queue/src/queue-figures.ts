import type { Queue } from "bullmq";
import { type QueueName, queueNames } from "@veil/job-contract";

/** The states by which BullMQ counts jobs. */
export const queueJobStates = [
  "active",
  "completed",
  "delayed",
  "failed",
  "prioritized",
  "waiting",
  "waiting-children",
] as const;

/** The length, the totals and the age of one queue. */
export interface QueueFigures {
  readonly queue: QueueName;
  /** Jobs that Redis holds now; finished ones are kept for a while. */
  readonly counts: Readonly<Record<(typeof queueJobStates)[number], number>>;
  /** Jobs that ended well since the queue was created. */
  readonly completed: number;
  /** Jobs that were given up since the queue was created. */
  readonly failed: number;
  /** When the longest-waiting job was requested, in milliseconds since the epoch; null when none waits. */
  readonly oldestWaiting: number | null;
}

/** @throws when Redis does not answer */
export async function readQueueFigures(queues: readonly Queue[]): Promise<QueueFigures[]> {
  return Promise.all(
    queues.map(async (queue) => {
      const [counts, completed, failed, [oldest]] = await Promise.all([
        queue.getJobCounts(...queueJobStates),
        queue.getMetrics("completed", 0, 0),
        queue.getMetrics("failed", 0, 0),
        queue.getJobs(["waiting"], 0, 0, true),
      ]);
      return {
        queue: knownQueue(queue.name),
        counts: {
          active: counts["active"] ?? 0,
          completed: counts["completed"] ?? 0,
          delayed: counts["delayed"] ?? 0,
          failed: counts["failed"] ?? 0,
          prioritized: counts["prioritized"] ?? 0,
          waiting: counts["waiting"] ?? 0,
          "waiting-children": counts["waiting-children"] ?? 0,
        },
        completed: completed.meta.count,
        failed: failed.meta.count,
        oldestWaiting: oldest?.timestamp ?? null,
      };
    }),
  );
}

function knownQueue(name: string): QueueName {
  const known = queueNames.find((queue) => queue === name);
  if (known === undefined) throw new Error(`${name} is no queue of the catalogue`);
  return known;
}
