import type { ProvisionResult } from "@veil/keys";
import { type Job, newJob, RedisAwayError, type SimulatedRedis } from "./simulated-redis.ts";
import type { Process, World } from "./world.ts";

export type CreateResult = ProvisionResult;

/** The producer's side of the queue, for one process. */
export class QueueClient {
  readonly #process: Process;
  readonly #redis: SimulatedRedis;
  readonly #world: World;
  readonly #submitted: Set<string>;

  constructor(process: Process, redis: SimulatedRedis, world: World, submitted: Set<string>) {
    this.#process = process;
    this.#redis = redis;
    this.#world = world;
    this.#submitted = submitted;
  }

  /** A job of the same id that is there already stands. @throws {RedisAwayError} */
  async submit(name: string, id: string, payload: object): Promise<void> {
    await this.#redis.command(this.#process, `submit ${id}`, () => {
      this.#submitted.add(id);
      if (!this.#redis.jobs.has(id)) this.#redis.jobs.set(id, newJob(id, name, payload));
    });
  }

  /** @throws {RedisAwayError} */
  exists(id: string): Promise<boolean> {
    return this.#redis.command(this.#process, `look for ${id}`, () => this.#redis.jobs.has(id));
  }

  /**
   * Waits for a result through outages of Redis. A job that failed without one may still be at work, so that it is waited
   * for to the end. Null when there is none by then.
   */
  async awaitResult<T>(id: string, timeoutMs: number): Promise<T | null> {
    let open = true;
    const heard = this.#redis.patient(
      this.#process,
      `hear the result of ${id}`,
      () => this.#resultOf<T>(id),
      () => open && this.#redis.jobs.get(id)?.state === "finished",
    );
    const result = await Promise.race([heard, this.#world.sleep(timeoutMs, this.#process)]);
    open = false;
    return result ?? this.#readOnce<T>(id);
  }

  async #readOnce<T>(id: string): Promise<T | null> {
    try {
      return await this.#redis.command(this.#process, `read the result of ${id}`, () => this.#resultOf<T>(id));
    } catch (error) {
      if (error instanceof RedisAwayError) return null;
      throw error;
    }
  }

  #resultOf<T>(id: string): T | null {
    const job: Job | undefined = this.#redis.jobs.get(id);
    return job?.state === "finished" ? (job.result as T) : null;
  }
}
