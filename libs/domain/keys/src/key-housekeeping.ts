/** Work on stored keys beside their lifecycle. Every method throws StoreUnavailableError while the store is away. */
export interface KeyHousekeeping {
  /** Creates the indexes that are missing; replicas may do it at once. */
  prepare(): Promise<void>;
  /** From now on only key ids above this one are claimed. */
  skipKeyIds(upTo: number): Promise<void>;
  /** How many keys are in each phase, and how many are being created. */
  countByState(): Promise<Record<"creating" | "active" | "deleting", number>>;
  /**
   * Drops what was only kept for late duplicates of jobs: claims made before this, and records of keys gone before it.
   *
   * A record that one of the nodes may still undo stays until it can't. One of an imported key stays for good: it is what
   * keeps the next import from bringing the key back.
   *
   * @param before unix seconds
   * @param nodes those that there are: what one that was taken out may hold is nobody's any more
   * @returns how many documents were dropped
   */
  dropTombstones(before: number, nodes: readonly string[]): Promise<number>;
}
