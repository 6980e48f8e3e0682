import { jobDefinition, type JobName, type JobPayload } from "@veil/job-contract";
import { isSurelyUndone, type Redis } from "@veil/redis";
import { type Clock, systemClock } from "@veil/runtime";
import { QueueUnavailableError } from "./errors.ts";
import { ProducerQueues, type ProducerQueuesOptions } from "./producer-queues.ts";
import { jobOptions } from "./queue-options.ts";

interface JobAdderOptions extends ProducerQueuesOptions {
  /** Dates jobs; the machine's clock when left out. */
  readonly clock?: Pick<Clock, "now">;
}

/** Adds jobs of which nobody here awaits the end. */
export class JobAdder {
  readonly #queues: ProducerQueues;
  readonly #clock: Pick<Clock, "now">;

  /** @param redis a fail-fast connection, which stays the caller's */
  constructor(redis: Redis, { clock = systemClock, ...options }: JobAdderOptions) {
    this.#queues = new ProducerQueues(redis, options);
    this.#clock = clock;
  }

  /**
   * Adds a job; when one of the same id is already there, nothing is added.
   *
   * @throws {QueueUnavailableError} its `mayHaveHappened` says whether the job may be there all the same
   */
  async add<N extends JobName>(name: N, jobId: string, payload: JobPayload<N>): Promise<void> {
    this.#queues.requireConnection();
    const queue = await this.#queues.of(name);
    try {
      const encoded = jobDefinition(name).payload.encode(payload);
      await queue.add(
        name,
        encoded,
        jobOptions(name, { id: jobId, requested_at: this.#clock.now(), payload: encoded }),
      );
    } catch (error) {
      throw new QueueUnavailableError(!isSurelyUndone(error), error);
    }
  }

  close(): void {
    this.#queues.close();
  }
}
