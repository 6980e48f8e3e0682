import type { RunningInbound } from "@veil/protocols";

/** An inbound as a worker found it running. */
export interface SeenInbound {
  /** When it was looked at. Milliseconds since the epoch. */
  readonly at: number;
  readonly runs: RunningInbound;
}

/**
 * Where workers note what runs on nodes, for those that ask no node themselves. Both throw StoreUnavailableError while the store is
 * away.
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
