import type { ProvisionResult } from "@veil/keys";
import type { Answer } from "./api-process.ts";
import { type Job, newJob, RedisAwayError, type SimulatedRedis } from "./simulated-redis.ts";
import type { Claim, Place } from "./simulated-writes.ts";
import type { Process, World } from "./world.ts";

export type CreateResult = ProvisionResult;

/** The producer's side of the queue, for one process. */
export class QueueClient {
  readonly #process: Process;
  readonly #redis: SimulatedRedis;
  readonly #world: World;

  constructor(process: Process, redis: SimulatedRedis, world: World) {
    this.#process = process;
    this.#redis = redis;
    this.#world = world;
  }

  /** A job of the same id that is there already stands. @throws {RedisAwayError} */
  async submit(name: string, id: string, payload: object): Promise<void> {
    await this.#redis.command(this.#process, `submit ${id}`, () => {
      if (!this.#redis.jobs.has(id)) this.#redis.jobs.set(id, newJob(id, name, payload));
    });
  }

  /** @throws {RedisAwayError} */
  exists(id: string): Promise<boolean> {
    return this.#redis.command(this.#process, `look for ${id}`, () => this.#redis.jobs.has(id));
  }

  /** Begins a write that others may take part in. @throws {RedisAwayError} */
  beginWrite(id: string, participant: string, startedAt: number): Promise<true> {
    const begin = () => this.#redis.writes.begin(id, participant, startedAt);
    return this.#redis.command(this.#process, `begin write ${id}`, begin);
  }

  /** Null when nobody began it. @throws {RedisAwayError} */
  joinWrite(id: string, participant: string): Promise<Place | null> {
    return this.#redis.command(this.#process, `join write ${id}`, () => this.#redis.writes.join(id, participant));
  }

  /** @throws {RedisAwayError} */
  claimWrite(id: string, participant: string): Promise<Claim> {
    return this.#redis.command(this.#process, `claim write ${id}`, () => this.#redis.writes.claim(id, participant));
  }

  /** @throws {RedisAwayError} */
  completeWrite(id: string, participant: string, answer: Answer): Promise<Claim> {
    const complete = () => this.#redis.writes.complete(id, participant, answer);
    return this.#redis.command(this.#process, `complete write ${id}`, complete);
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
