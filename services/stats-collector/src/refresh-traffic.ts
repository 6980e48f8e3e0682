import type { JobResult } from "@veil/job-contract";
import type { Clock, Logger } from "@veil/service-runtime";
import { applyUpdate, totals, type TrafficStore } from "@veil/traffic-ledger";
import { type KeyReading, type ReadKeysOptions, readKeys, updateOfKey } from "./read-keys.ts";

export interface RefreshOptions extends ReadKeysOptions {
  readonly records: Pick<TrafficStore, "findMany" | "writeMany">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Logger, "debug">;
}

type RefreshResult = JobResult<"refresh-traffic">;

interface Waiting {
  readonly keyId: number;
  readonly resolve: (result: RefreshResult) => void;
  readonly reject: (error: unknown) => void;
}

const LARGEST_BATCH = 256;

/**
 * Reads single keys for callers who want the newest figures.
 *
 * Requests that come while others are read go out together next: the marks, the ledger and the write are shared.
 */
export class TrafficRefresher {
  readonly #options: RefreshOptions;
  #waiting: Waiting[] = [];
  #isReading = false;

  constructor(options: RefreshOptions) {
    this.#options = options;
  }

  /** @throws StoreUnavailableError */
  refresh(keyId: number): Promise<RefreshResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keyId, resolve, reject });
      void this.#readBatches();
    });
  }

  async #readBatches(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#waiting.length > 0) await this.#readBatch(this.#waiting.splice(0, LARGEST_BATCH));
    this.#isReading = false;
  }

  async #readBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#read([...new Set(batch.map(({ keyId }) => keyId))]);
      for (const { keyId, resolve } of batch) resolve(results.get(keyId) ?? { outcome: "stale" });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #read(keyIds: readonly number[]): Promise<ReadonlyMap<number, RefreshResult>> {
    const { records, clock, log } = this.#options;
    const { keys, unread } = await readKeys(keyIds, this.#options);
    const isComplete = unread.length === 0;
    for (const { node, error } of unread) log.debug({ node, err: error }, "the node could not be read");
    const readAt = Math.floor(clock.now() / 1000);
    const written = keys.filter((key) => isComplete || hasMoved(key));
    const refused = await records.writeMany(written.map((key) => updateOfKey(key, readAt)));
    return new Map(
      keys.map((key) => [key.keyId, isComplete && !refused.has(key.subject) ? fresh(key, readAt) : STALE]),
    );
  }
}

const STALE = { outcome: "stale" } as const;

function hasMoved({ observations }: KeyReading): boolean {
  return observations.some((observation) => observation !== null);
}

function fresh(key: KeyReading, readAt: number): RefreshResult {
  const { up, down } = totals(applyUpdate(key.before, updateOfKey(key, readAt)));
  return { outcome: "fresh", upload: up, download: down, last_updated: readAt };
}
