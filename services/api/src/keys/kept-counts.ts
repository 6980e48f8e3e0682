import { jobDefinition } from "@veil/job-contract";
import type { KeyFilter } from "@veil/keys";
import { LRUCache } from "lru-cache";
import type { Jobs, KeyReader } from "../ports.ts";

/** A count may be this old at most; and it is made at most a tenth of the time, however often it is asked for. */
const LONGEST_KEPT_MS = 2_000;
const KEPT_TIMES_AS_LONG = 10;
const MOST_KEPT = 100;

interface KeptCount {
  readonly total: Promise<number>;
  /** Milliseconds since the epoch. */
  until: number;
}

/**
 * How many keys fit a filter: a page costs next to nothing, the number of all keys a look at each on some engines. So those
 * who ask at once share a count, and one that took long is kept for a while; what this process has changed shows at once.
 */
export class KeptCounts {
  readonly #keys: Pick<KeyReader, "countActive">;
  readonly #kept = new LRUCache<string, KeptCount>({ max: MOST_KEPT });

  constructor(keys: Pick<KeyReader, "countActive">) {
    this.#keys = keys;
  }

  /** @throws {StoreUnavailableError} while the store is unavailable */
  countActive(filter?: KeyFilter): Promise<number> {
    // Lists of ids are long, and others a moment later.
    if (filter?.keyIds !== undefined || filter?.exceptKeyIds !== undefined) return this.#keys.countActive(filter);
    const name = JSON.stringify({ ...filter, at: null });
    const kept = this.#kept.get(name);
    const begun = performance.now();
    if (kept !== undefined && begun < kept.until) return kept.total;
    const count: KeptCount = { total: this.#keys.countActive(filter), until: Number.POSITIVE_INFINITY };
    this.#kept.set(name, count);
    count.total.then(
      () => {
        const now = performance.now();
        count.until = now + Math.min((now - begun) * KEPT_TIMES_AS_LONG, LONGEST_KEPT_MS);
      },
      () => this.#kept.delete(name),
    );
    return count.total;
  }

  /** The same jobs; what has ended of them may have changed how many keys there are. */
  watched(jobs: Jobs): Jobs {
    return {
      submit: (...job) => jobs.submit(...job),
      retry: (...job) => jobs.retry(...job),
      exists: (...job) => jobs.exists(...job),
      awaitResult: async (name, jobId, timeoutMs) => {
        try {
          return await jobs.awaitResult(name, jobId, timeoutMs);
        } finally {
          if (jobDefinition(name).queue === "veil-keys") this.#kept.clear();
        }
      },
    };
  }
}
