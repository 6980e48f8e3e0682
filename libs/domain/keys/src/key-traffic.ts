import type { TrafficBytes } from "./terms/key-terms.ts";

/** The traffic of keys. Throws StoreUnavailableError while the store is away. */
export interface KeyTraffic {
  /** @throws {UnreadableRecordError} */
  movedBy(keyId: number): Promise<MovedBytes>;
  /** {@link movedBy} of many keys by one read; one that was never counted may be missing. */
  movedByMany(keyIds: readonly number[]): Promise<ReadonlyMap<number, FoundMoved>>;
}

/** The traffic of a key among others, or that its record makes no sense: what it has moved is not known then, and not nothing. */
export type FoundMoved = MovedBytes | "unreadable";

/** The traffic of a key, as far as it is stored. */
export interface MovedBytes {
  /** Everything ever counted; resets change nothing about it. */
  readonly lifetime: TrafficBytes;
  /** Of that, what the ledger itself has reset: what counts lies beyond. */
  readonly reset: TrafficBytes;
}
