import type { Redis } from "@veil/redis";
import { Queue, type Telemetry } from "bullmq";
import { QueueUnavailableError } from "./errors.ts";
import { jobDefinition, type JobName, type QueueName } from "@veil/job-contract";

export interface ProducerQueuesOptions {
  readonly prefix: string;
  readonly telemetry?: Telemetry | undefined;
  readonly onError: (error: Error) => void;
}

/** The queues that a producer adds jobs to, over a connection that stays its owner's. */
export class ProducerQueues {
  readonly #redis: Redis;
  readonly #options: ProducerQueuesOptions;
  /** One for all that ask for it at once. */
  readonly #opening = new Map<QueueName, Promise<Queue>>();
  readonly #queues = new Map<QueueName, Queue>();

  /** @param redis a fail-fast connection */
  constructor(redis: Redis, options: ProducerQueuesOptions) {
    this.#redis = redis;
    this.#options = options;
  }

  get connected(): boolean {
    return this.#redis.status === "ready";
  }

  /** @throws {QueueUnavailableError} while there is no connection, so that surely nothing happened */
  requireConnection(): void {
    if (!this.connected) throw new QueueUnavailableError(false, new Error(`connection is ${this.#redis.status}`));
  }

  /**
   * The queue of a job. Made at first use and only while connected: BullMQ never recovers a queue that was opened without a
   * connection.
   *
   * @throws {QueueUnavailableError} when it can't be opened; nothing was sent of the job
   */
  of(job: JobName): Promise<Queue> {
    const name = jobDefinition(job).queue;
    const opening = this.#opening.get(name) ?? this.#open(name);
    this.#opening.set(name, opening);
    return opening;
  }

  async #open(name: QueueName): Promise<Queue> {
    const { prefix, onError, telemetry } = this.#options;
    const queue = new Queue(name, {
      connection: this.#redis,
      prefix,
      ...(telemetry !== undefined && { telemetry }),
    });
    queue.on("error", onError);
    try {
      await queue.waitUntilReady();
    } catch (error) {
      this.#opening.delete(name);
      throw new QueueUnavailableError(false, error);
    }
    this.#queues.set(name, queue);
    return queue;
  }

  /** A queue that is open already. */
  opened(name: QueueName): Queue | undefined {
    return this.#queues.get(name);
  }

  close(): void {
    for (const queue of this.#queues.values()) queue.close().catch(this.#options.onError);
  }
}
