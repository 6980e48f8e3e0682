import type { Redis } from "@veil/redis";
import { Queue } from "bullmq";
import { QueueUnavailableError } from "./errors.ts";
import { queueNames } from "@veil/job-contract";
import { DEFAULT_QUEUE_PREFIX } from "./queue-options.ts";

/** All queues, for those who look after them. */
export interface OpenQueues {
  /**
   * The queues of the catalogue, in its order. Opened when they are asked for first, for BullMQ never recovers a queue
   * that was opened without a connection.
   *
   * @throws {QueueUnavailableError} while Redis is unavailable
   */
  all(): Promise<readonly Queue[]>;
  /** Lets go of the queues; the connection stays its owner's. */
  close(): Promise<void>;
}

/** @param redis a fail-fast connection, which stays the caller's */
export function openQueues(
  redis: Redis,
  onError: (error: Error) => void,
  prefix: string = DEFAULT_QUEUE_PREFIX,
): OpenQueues {
  let opened: Promise<readonly Queue[]> | null = null;

  async function open(): Promise<readonly Queue[]> {
    return Promise.all(
      queueNames.map(async (name) => {
        const queue = new Queue(name, { connection: redis, prefix });
        queue.on("error", onError);
        await queue.waitUntilReady();
        return queue;
      }),
    );
  }

  return {
    all: async () => {
      if (redis.status !== "ready") {
        throw new QueueUnavailableError(false, new Error(`connection is ${redis.status}`));
      }
      opened ??= open().catch((error: unknown) => {
        opened = null;
        throw new QueueUnavailableError(false, error);
      });
      return opened;
    },
    close: async () => {
      const queues = await (opened ?? []);
      for (const queue of queues) queue.close().catch(onError);
    },
  };
}
