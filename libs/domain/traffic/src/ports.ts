import type { LedgerUpdate } from "./ledger-update.ts";
import type { NodeLives } from "./node-lives.ts";
import type { TrafficRecord } from "./traffic-record.ts";

/** Where traffic records are kept. Every method rejects when the outcome is unknown; all but `replace` may then be repeated. */
export interface TrafficStore {
  /** The record of a subject, or `null`. */
  find(subject: string): Promise<TrafficRecord | null>;
  /** The records of those of the subjects that have one, by subject. */
  findMany(subjects: readonly string[]): Promise<Map<string, TrafficRecord>>;
  /**
   * Writes many updates at once, in any order.
   * @returns the subjects whose update was refused; all others are stored
   */
  writeMany(updates: readonly LedgerUpdate[]): Promise<Set<string>>;
  /** Writes one update and returns the record as it is then. */
  write(update: LedgerUpdate): Promise<TrafficRecord>;
  /** Puts a compacted record in the place of the one it was made from. `false` when that one has changed meanwhile. */
  replace(before: TrafficRecord, after: TrafficRecord): Promise<boolean>;
  /** The subjects of all records. */
  subjects(): AsyncIterable<string>;
  /** Removes the records of subjects that are gone. */
  remove(subjects: readonly string[]): Promise<void>;
}

/** Where the lives of the nodes are kept. */
export interface NodeLivesStore {
  find(node: string): Promise<NodeLives | null>;
  /** Stores lives with a mark more, in place of those they were made from. `false` when those have changed meanwhile. */
  replace(before: NodeLives | null, after: NodeLives): Promise<boolean>;
  /** Raises `seen_at` (unix milliseconds) and `seen_epoch` of a node that has lives. */
  raiseSeen(node: string, epoch: number, at: number): Promise<void>;
}
