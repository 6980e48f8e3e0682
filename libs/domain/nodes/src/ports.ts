import type { RunningInbound } from "@veil/protocols";
import type { Fleet, FleetUpdate } from "./fleet.ts";
import type { FleetEvent } from "./fleet-event.ts";

/** Reads the fleet. Every method throws StoreUnavailableError while the store is away. */
export interface FleetReader {
  /** The revision of what is stored, 0 while nothing is: cheap enough to be asked every second. */
  revision(): Promise<number>;
  /** Null while nothing is stored. */
  read(): Promise<Fleet | null>;
}

/** Where the fleet is kept: as a whole, so that a change sees all nodes as they are when it is stored. */
export interface FleetStore extends FleetReader {
  /**
   * Puts a fleet in the place of the one that it was made from.
   *
   * @param before null while nothing is stored
   * @returns `outdated` when that one has changed by now, and nothing was stored
   * @throws {StoreUnavailableError} when the store is away; it may have been stored
   */
  save(before: Fleet | null, after: FleetUpdate): Promise<"saved" | "outdated">;
}

/** Where events of nodes are born. Every method throws StoreUnavailableError while the store is away. */
export interface FleetOutbox {
  /** Those that are not logged yet, the oldest first. */
  pending(): Promise<readonly FleetEvent[]>;
  /** Forgets events that are logged. */
  mark(ids: readonly string[]): Promise<void>;
}

/** What the last reconciliation of a node found, whichever worker carried it out. */
export interface NodePass {
  /** When it ended. Milliseconds since the epoch. */
  readonly at: number;
  /** Our users that the node is to hold since. */
  readonly users: number;
  /** In how many users the node differed before it. */
  readonly missing: number;
  readonly wrong: number;
  readonly orphans: number;
}

/**
 * Where workers note their passes, for those that ask no node themselves. Both throw StoreUnavailableError while the store is away.
 */
export interface NodePasses {
  /**
   * By the node's name; of several passes over a node the latest one stands, unless it is dated in the future.
   *
   * @param now milliseconds since the epoch
   */
  note(passes: ReadonlyMap<string, NodePass>, now: number): Promise<void>;
  list(): Promise<ReadonlyMap<string, NodePass>>;
}

/** An inbound as a worker found it running. */
export interface SeenInbound {
  /** When it was looked at. Milliseconds since the epoch. */
  readonly at: number;
  readonly runs: RunningInbound;
}

/**
 * Where workers note what runs on nodes, for those that ask no node themselves. Both throw StoreUnavailableError while the store is away.
 */
export interface SeenInbounds {
  /**
   * By the name of the inbound's place; the latest one stands, unless it is dated in the future.
   *
   * @param now milliseconds since the epoch
   */
  note(seen: ReadonlyMap<string, SeenInbound>, now: number): Promise<void>;
  list(): Promise<ReadonlyMap<string, SeenInbound>>;
}
