import { LRUCache } from "lru-cache";

/** Far above the time in which a hung MongoDB applies a write or the cancellation is carried out. */
const rememberMs = 60 * 60 * 1_000;
const mostRemembered = 10_000;

/**
 * The create jobs that this process answered with an error.
 *
 * A write that MongoDB applies late may make such a key active until its cancellation is carried out; the caller
 * that was refused must not see it meanwhile.
 */
export class RefusedCreations {
  readonly #jobs = new LRUCache<string, true>({ max: mostRemembered, ttl: rememberMs });

  add(job: string): void {
    this.#jobs.set(job, true);
  }

  has(job: string): boolean {
    return this.#jobs.has(job);
  }
}
