import { once } from "node:events";
import { connectRedis, type Redis } from "@veil/redis";
import { type Job, Queue } from "bullmq";
import { QueueUnavailableError } from "./errors.ts";
import type { QueueName } from "@veil/job-contract";
import { DEFAULT_QUEUE_PREFIX } from "./queue-options.ts";
import { retryFailed } from "./retry-failed.ts";

/** A job whose attempts are used up, or that failed for good. */
export interface FailedJob {
  readonly id: string;
  readonly name: string;
  /** The message of the last error. */
  readonly reason: string;
  /** Deliveries so far. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly failedAt: number;
  readonly payload: unknown;
}

export interface FailedJobsOptions {
  readonly queue: QueueName;
  readonly redisUrl: string;
  readonly prefix?: string;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** The failed set of one queue, for whoever looks after the system. */
export class FailedJobs {
  readonly #redis: Redis;
  readonly #queue: Queue;

  private constructor(redis: Redis, queue: Queue) {
    this.#redis = redis;
    this.#queue = queue;
  }

  /** @throws {QueueUnavailableError} when Redis does not answer within five seconds */
  static async open({ queue: name, redisUrl, prefix = DEFAULT_QUEUE_PREFIX }: FailedJobsOptions): Promise<FailedJobs> {
    let lastError: unknown = new Error("no connection");
    const redis = connectRedis(redisUrl, "fail-fast", (error) => {
      lastError = error;
    });
    const tooLong = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    const ready = new Promise((resolve) => redis.once("ready", resolve));
    await Promise.race([ready, once(tooLong, "abort")]);
    if (tooLong.aborted) {
      redis.disconnect();
      throw new QueueUnavailableError(false, lastError);
    }
    const queue = new Queue(name, { connection: redis, prefix });
    queue.on("error", () => undefined);
    await queue.waitUntilReady();
    return new FailedJobs(redis, queue);
  }

  /** All of them, the latest failure first; how many are kept, and for how long, says `queue-options.ts`. */
  async list(): Promise<FailedJob[]> {
    return (await this.#queue.getFailed()).map(describe);
  }

  /**
   * Has a job delivered again, as often as a new one would be. Its handler learns that it is not the first time, and
   * what its deadline forbids stays forbidden.
   *
   * @returns `absent` when no job of this id is in the failed set
   */
  async retry(id: string): Promise<"retried" | "absent"> {
    const job = await this.#queue.getJob(id);
    if (job === undefined || (await job.getState()) !== "failed") return "absent";
    return (await retryFailed(job)) ? "retried" : "absent";
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#redis.disconnect();
  }
}

function describe(job: Job): FailedJob {
  return {
    id: job.id ?? "",
    name: job.name,
    reason: job.failedReason,
    attempts: job.attemptsStarted,
    failedAt: job.finishedOn ?? job.timestamp,
    payload: job.data,
  };
}
