import type { HistoryUpdate, HoursTrim } from "./fold-usage.ts";
import type { LedgerUpdate } from "./ledger-update.ts";
import type { Life, NodeLives } from "./node-lives.ts";
import type { TrafficRecord } from "./traffic-record.ts";
import type { UsageHistory } from "./usage.ts";

/** A record among others, or that it is there and makes no sense: what is counted of its entity is not known then, and not nothing. */
export type FoundRecord = TrafficRecord | "unreadable";

/** A history among others, or that it is there and makes no sense: where what the record holds began is not known then. */
export type FoundHistory = UsageHistory | "unreadable";

/** Those of the records that make sense. */
export function readable(found: ReadonlyMap<string, FoundRecord>): ReadonlyMap<string, TrafficRecord> {
  return new Map(
    [...found].flatMap(([entity, record]) => (record === "unreadable" ? [] : [[entity, record] as const])),
  );
}

/** Where traffic records are kept. Every method rejects when the outcome is unknown; all but `replace` may then be repeated. */
export interface TrafficStore {
  /** The record of an entity, or `null`. */
  find(entity: string): Promise<TrafficRecord | null>;
  /** The records of those of the entities that have one, by entity. */
  findMany(entities: readonly string[]): Promise<ReadonlyMap<string, FoundRecord>>;
  /**
   * Writes many updates at once, in any order.
   * @returns the entities whose update was refused; all others are stored
   */
  writeMany(updates: readonly LedgerUpdate[]): Promise<Set<string>>;
  /** Writes one update and returns the record as it is then. */
  write(update: LedgerUpdate): Promise<TrafficRecord>;
  /** Puts a compacted record in the place of the one it was made from. `false` when that one has changed meanwhile. */
  replace(before: TrafficRecord, after: TrafficRecord): Promise<boolean>;
  /** Drops hours that the history has taken over. Any order, any number of times. */
  trimHours(trims: readonly HoursTrim[]): Promise<void>;
  /** The entities of all records. */
  entities(): AsyncIterable<string>;
  /** The entities of which bytes were counted at this moment or since. @param at unix seconds */
  countedSince(at: number): Promise<string[]>;
  /** Removes the records of entities that are gone. */
  remove(entities: readonly string[]): Promise<void>;
}

/** Where the past of metered entities is kept, in hours and days. */
export interface UsageStore {
  /** The history of an entity, or `null`. */
  readUsage(entity: string): Promise<UsageHistory | null>;
  /** The histories of those of the entities that have one, by entity. */
  readMany(entities: readonly string[]): Promise<ReadonlyMap<string, FoundHistory>>;
  /**
   * Raises and drops milestones. Any order, any number of times.
   * @returns the entities whose update was refused; all others are stored
   */
  writeMany(updates: readonly HistoryUpdate[]): Promise<Set<string>>;
  /** The entities of all histories. */
  entities(): AsyncIterable<string>;
  /** Removes the histories of entities that are gone. */
  remove(entities: readonly string[]): Promise<void>;
}

/** Where the lives of the nodes are kept, and what the ledger calls each of them. */
export interface NodeLivesStore {
  find(node: string): Promise<NodeLives | null>;
  /** The lives of all nodes that were there in the last year at least. Those that can't be read are left out. */
  list(): Promise<NodeLives[]>;
  /** The names of all nodes that have lives, also of those that can't be read. */
  names(): Promise<string[]>;
  /** Stores lives with a mark more, in place of those they were made from. `false` when those have changed meanwhile. */
  replace(before: NodeLives | null, after: NodeLives): Promise<boolean>;
  /**
   * Raises `seenAt` (unix milliseconds), `seenEpoch` and the epoch's moment in `seen` of a node that has lives. A moment that
   * lies further ahead than `LONGEST_AHEAD_MS` is replaced.
   */
  raiseSeen(node: string, epoch: number, at: number): Promise<void>;
  /** What the life of a mark was claimed as, or `null`. */
  findClaim(mark: string): Promise<Life | null>;
  /** Claims the life of a mark unless somebody has. Returns the first claim. */
  claim(mark: string, life: Life): Promise<Life>;
  /**
   * Claims the entries that have a life's own name for one inbound of its process, unless somebody has for another one; each
   * other inbound has entries by its tag. Forgotten with the marks of the life, by the node on which it began.
   *
   * @returns the tag of the first claim
   */
  claimInbound(life: Life, tag: string): Promise<string>;
  /** Removes lives unless they have changed, or were read, meanwhile. */
  remove(lives: NodeLives): Promise<void>;
  /** Forgets the claims of marks that no node shows any more. */
  removeClaims(marks: readonly string[]): Promise<void>;
}
