import { type KeyReader, refuseIfAllAreGone, StoreUnavailableError, tryRead } from "@veil/keys";
import { leaseKey, type Redis, RedisLease } from "@veil/redis";
import { type Clock, lastingFailure, type Logger, type RunningService, runLoop } from "@veil/runtime";
import {
  compact,
  type IsForgotten,
  isNodeEntity,
  keyEntity,
  needsCompaction,
  type TrafficRecord,
  type TrafficStore,
  type UsageStore,
} from "@veil/traffic";
import type { ForgottenNodes } from "./forgotten-nodes.ts";
import type { UsageKeeper } from "./usage-keeper.ts";

export interface UpkeepOptions {
  readonly compactor: RecordCompactor;
  readonly keeper: UsageKeeper;
  readonly forgotten: ForgottenNodes;
  readonly records: Pick<TrafficStore, "entities" | "remove">;
  readonly usage: Pick<UsageStore, "entities" | "remove">;
  readonly keys: Pick<KeyReader, "listKeptIds">;
  readonly redis: Redis;
  /** The prefix of all keys in Redis. */
  readonly prefix: string;
  readonly log: Logger;
}

const COMPACT_EVERY_MS = 10_000;
const FOLD_EVERY_MS = 10_000;
const REMOVE_EVERY_MS = 60 * 60 * 1_000;
/** Longer than the longest pause, so that the collector that removes records goes on being the one. */
const REMOVAL_LEASE_MS = 2 * REMOVE_EVERY_MS;
/** How long one pass may take. Replacing a record is the one write whose cost may grow with the number of records. */
const COMPACTION_PASS_MS = 1_000;
const REMOVED_AT_ONCE = 1_000;

/** Keeps the ledger small until the service stops. */
export function startUpkeep(running: RunningService, options: UpkeepOptions): void {
  const { compactor, keeper, forgotten, records, usage, keys, redis, prefix, log } = options;
  runLoop(running, "usage", {
    everyMs: FOLD_EVERY_MS,
    firstRun: "later",
    jitter: 0.1,
    task: async () => {
      const folded = await keeper.pass();
      if (folded > 0) log.debug({ folded }, "rolled up completed hours of usage");
    },
    ...lastingFailure(log, "could not keep the history of usage"),
  });
  runLoop(running, "compactor", {
    everyMs: COMPACT_EVERY_MS,
    firstRun: "later",
    jitter: 0.1,
    task: async () => {
      const compacted = await compactor.pass();
      if (compacted > 0) log.debug({ compacted }, "compacted traffic records");
    },
    ...lastingFailure(log, "could not compact traffic records"),
  });
  const lease = new RedisLease(redis, leaseKey(prefix, "traffic-removal"), REMOVAL_LEASE_MS);
  runLoop(running, "removal", {
    everyMs: REMOVE_EVERY_MS,
    firstRun: "later",
    jitter: 0.5,
    task: async () => {
      const removed = await removeGoneUnderLease(lease, [records, usage], keys);
      if (removed > 0) log.debug({ removed }, "removed traffic records of keys that are gone");
    },
    ...lastingFailure(log, "could not remove traffic records of keys that are gone"),
  });
  runLoop(running, "forgotten nodes", {
    everyMs: REMOVE_EVERY_MS,
    firstRun: "later",
    jitter: 0.5,
    task: async () => {
      const nodes = await forgotten.look(lease);
      if (nodes > 0) log.info({ nodes }, "removed what was kept of nodes that are gone for long");
    },
    ...lastingFailure(log, "could not look which nodes are gone for long"),
  });
  // Without Redis it runs out by itself.
  running.onStop("loops", "removal lease", () => lease.release().catch(() => undefined));
}

/** Remembers records that have grown, and writes them shorter when there is time. */
export class RecordCompactor {
  readonly #records: Pick<TrafficStore, "find" | "replace">;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #isForgotten: IsForgotten | undefined;
  readonly #grown = new Set<string>();

  /** @param isForgotten nothing is forgotten when left out */
  constructor(
    records: Pick<TrafficStore, "find" | "replace">,
    clock: Pick<Clock, "monotonic">,
    isForgotten?: IsForgotten,
  ) {
    this.#records = records;
    this.#clock = clock;
    this.#isForgotten = isForgotten;
  }

  /** Looks at a record that somebody read anyway. */
  notice(record: TrafficRecord): void {
    if (needsCompaction(record, this.#isForgotten)) this.#grown.add(record.entity);
  }

  /**
   * Compacts for about a second. A record that changes meanwhile stays for the next pass, behind the others; one of which the store
   * takes no change until it is noticed again.
   *
   * @returns how many were compacted
   * @throws {StoreUnavailableError} when the store is away; what the first record met that took no change, once the others are done
   */
  async pass(): Promise<number> {
    const end = this.#clock.monotonic() + COMPACTION_PASS_MS;
    const failures: unknown[] = [];
    let compacted = 0;
    for (const entity of [...this.#grown]) {
      if (this.#clock.monotonic() >= end) break;
      try {
        const looked = await this.#compactOne(entity);
        this.#grown.delete(entity);
        if (looked === "changed") this.#grown.add(entity);
        if (looked === "compacted") compacted += 1;
      } catch (error) {
        if (error instanceof StoreUnavailableError) throw error;
        this.#grown.delete(entity);
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return compacted;
  }

  async #compactOne(entity: string): Promise<"compacted" | "changed" | "small"> {
    const record = await tryRead(() => this.#records.find(entity));
    if (record === null || record === "unreadable" || !needsCompaction(record, this.#isForgotten)) return "small";
    return (await this.#records.replace(record, compact(record, this.#isForgotten))) ? "compacted" : "changed";
  }
}

type KeptPerKey = readonly Pick<TrafficStore | UsageStore, "entities" | "remove">[];

/**
 * {@link removeGone}, unless this is another collector's work. The lease is kept afterwards: its holder does the next pass too.
 *
 * @throws {StoreUnavailableError} when the store is away
 */
export async function removeGoneUnderLease(
  lease: Pick<RedisLease, "acquire">,
  kept: KeptPerKey,
  keys: UpkeepOptions["keys"],
): Promise<number> {
  return (await lease.acquire()) === null ? 0 : removeGone(kept, keys);
}

/**
 * Removes what is kept of keys that are deleted. A key id is never used again, so a record that a slow collector writes anew
 * goes with the next pass. A key whose record makes no sense is not deleted. Records of nodes stay: the bytes of deleted keys
 * stay in them.
 *
 * Reads each collection once, about 40 bytes of memory a key. The records come first: a key that is created meanwhile
 * must not look like one that is gone.
 *
 * @returns how many keys went
 * @throws {StoreUnavailableError} when the store is away, {AllKeysGoneError} when none of many keys is active
 */
export async function removeGone(kept: KeptPerKey, keys: Pick<KeyReader, "listKeptIds">): Promise<number> {
  const gone = new Set<number>();
  for (const store of kept) {
    for await (const entity of store.entities()) if (!isNodeEntity(entity)) gone.add(Number(entity));
  }
  const known = gone.size;
  for await (const group of keys.listKeptIds()) for (const keyId of group) gone.delete(keyId);
  refuseIfAllAreGone(gone.size, known);
  const entities = [...gone].map(keyEntity);
  for (let start = 0; start < entities.length; start += REMOVED_AT_ONCE) {
    for (const store of kept) await store.remove(entities.slice(start, start + REMOVED_AT_ONCE));
  }
  return entities.length;
}
