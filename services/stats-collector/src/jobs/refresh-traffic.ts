import { type Clock, CoalescedCalls, type Logger } from "@veil/runtime";
import type { JobResult } from "@veil/job-contract";
import { applyUpdate, holdsAll, totals, type TrafficRecord, type TrafficStore } from "@veil/traffic";
import { type KeyReading, type ReadKeysOptions, readKeys, updateOfKey } from "./read-keys.ts";

export interface RefreshOptions extends ReadKeysOptions {
  readonly records: Pick<TrafficStore, "findMany" | "writeMany">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Logger, "debug">;
}

type RefreshResult = JobResult<"refresh-traffic">;

const LARGEST_BATCH = 256;
/** In effect never: the deadlines of its calls end every batch, and a second one would wait for the same node. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Reads single keys for callers who want the newest figures.
 *
 * Requests that come while others are read go out together next: the marks, the ledger and the write are shared.
 */
export class TrafficRefresher {
  readonly #options: RefreshOptions;
  readonly #reads = new CoalescedCalls<number, RefreshResult>((keyIds) => this.#readBatch(keyIds), {
    largest: LARGEST_BATCH,
    longestWaitMs: LONGEST_WAIT_MS,
  });

  constructor(options: RefreshOptions) {
    this.#options = options;
  }

  /** @throws {StoreUnavailableError} when the store is away */
  refresh(keyId: number): Promise<RefreshResult> {
    return this.#reads.ask(keyId);
  }

  async #readBatch(keyIds: readonly number[]): Promise<RefreshResult[]> {
    const results = await this.#read([...new Set(keyIds)]);
    return keyIds.map((keyId) => results.get(keyId) ?? STALE);
  }

  async #read(keyIds: readonly number[]): Promise<ReadonlyMap<number, RefreshResult>> {
    const { records, clock, log } = this.#options;
    const { keys: found, unread } = await readKeys(keyIds, this.#options);
    const keys = found.flatMap(({ before, ...key }) => (before === "unreadable" ? [] : [{ ...key, before }]));
    const isComplete = unread.length === 0;
    for (const { node, error } of unread) log.debug({ node, err: error }, "the node could not be read");
    const readAt = Math.floor(clock.now() / 1000);
    const written = keys.filter((key) => isComplete || hasMoved(key));
    const refused = await records.writeMany(written.map((key) => updateOfKey(key, readAt)));
    const stored = await this.#readBegun(written, readAt);
    const isHeld = (key: KeyReading) => isComplete && !refused.has(key.entity) && stored.get(key.entity) !== null;
    return new Map(
      keys.map((key) => [key.keyId, isHeld(key) ? fresh(key, readAt, stored.get(key.entity) ?? null) : STALE]),
    );
  }

  /**
   * The records of keys of whose counters a generation has begun, as only these tell whether another collector was first.
   *
   * @returns null for those where one was
   */
  async #readBegun(keys: readonly KeyReading[], readAt: number): Promise<Map<string, TrafficRecord | null>> {
    const begun = keys.map((key) => updateOfKey(key, readAt)).filter(({ append }) => append.length > 0);
    if (begun.length === 0) return new Map();
    const found = await this.#options.records.findMany(begun.map(({ entity }) => entity));
    return new Map(
      begun.map((update) => {
        const record = found.get(update.entity);
        const isHeld = record !== undefined && record !== "unreadable" && holdsAll(record, update);
        return [update.entity, isHeld ? record : null];
      }),
    );
  }
}

/** A key whose record makes sense, or that has none. */
interface ComparedKey extends KeyReading {
  readonly before: TrafficRecord | null;
}

const STALE = { outcome: "stale" } as const;

function hasMoved({ observations }: KeyReading): boolean {
  return observations.some((observation) => observation !== null);
}

/** @param stored the record where it has been read since; what was read is worked in where it has not */
function fresh(key: ComparedKey, readAt: number, stored: TrafficRecord | null): RefreshResult {
  const { up, down } = totals(stored ?? applyUpdate(key.before, updateOfKey(key, readAt)));
  return { outcome: "fresh", upload: up, download: down, last_updated: readAt };
}
