import { GrowingLru } from "@veil/runtime";
import { isVisible, type KeyRecord } from "@veil/keys";
import { KeyNotFoundError } from "../errors.ts";
import type { KeyPage, VisibleKeyReader } from "../ports.ts";
import type { CallerKeys } from "../caller-keys.ts";

/** The keys that a caller may see: of those that it may know of the active ones whose creation was not answered with an error. */
export class VisibleKeys implements VisibleKeyReader {
  readonly #reader: CallerKeys;
  readonly #refused: RefusedCreations;

  constructor(reader: CallerKeys, refused: RefusedCreations) {
    this.#reader = reader;
    this.#refused = refused;
  }

  async get(keyId: number): Promise<KeyRecord> {
    const key = await this.#reader.find(keyId);
    if (key === null || !this.shows(key)) throw new KeyNotFoundError(keyId);
    return key;
  }

  /** Whether callers may see a key. */
  shows(key: KeyRecord): boolean {
    return isVisible(key) && !this.#refused.has(key.job);
  }

  list(page: KeyPage = {}): AsyncIterable<readonly KeyRecord[]> {
    return this.#reader.listActive({ ...page, shows: ({ job }) => !this.#refused.has(job) });
  }
}

/** Far above the time in which a hung MongoDB applies a write or the cancellation is carried out. */
const REMEMBERED_MS = 60 * 60 * 1_000;
const MOST_REMEMBERED = 10_000;

/**
 * The create jobs that this process answered with an error.
 *
 * A write that MongoDB applies late may make such a key active until its cancellation is carried out; the caller
 * that was refused must not see it meanwhile.
 */
export class RefusedCreations {
  readonly #jobs = new GrowingLru<string, true>(MOST_REMEMBERED, { ttl: REMEMBERED_MS });

  add(jobs: readonly string[]): void {
    for (const job of jobs) this.#jobs.set(job, true);
  }

  has(job: string): boolean {
    return this.#jobs.has(job);
  }
}
