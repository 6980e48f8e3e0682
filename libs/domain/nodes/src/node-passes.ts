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

/** Where workers note their passes, for whoever asks no node itself. Both throw StoreUnavailableError while the store is away. */
export interface NodePasses {
  /**
   * By the node's name; of several passes over a node the latest one stands, unless it is dated in the future.
   *
   * @param now milliseconds since the epoch
   */
  note(passes: ReadonlyMap<string, NodePass>, now: number): Promise<void>;
  list(): Promise<ReadonlyMap<string, NodePass>>;
}
