/** The user of a key as a node knows it. */
export interface NodeUser {
  readonly keyId: number;
  readonly uuid: string;
}

/**
 * The users of one Xray node, one operation at a time.
 *
 * Both methods throw NodeUnreachableError (surely nothing happened), NodeUnsureError (it may have happened,
 * or may happen later) or NodeRefusedError (it will never happen).
 */
export interface NodeUsers {
  readonly name: string;
  /** Adds the user; one that is there with the same uuid is success, one with another uuid is replaced. */
  add(user: NodeUser): Promise<void>;
  /** Removes the user; success when it is not there. */
  remove(keyId: number): Promise<void>;
}

/** The lease that makes one process the only one to change a key's user in the nodes. */
export interface KeyLease {
  /**
   * Runs the task while holding the key's lease.
   *
   * `abandoned` is true when the last holder never gave the lease back: its calls may still be under way.
   *
   * @throws LeaseHeldError when another process keeps it for too long
   */
  hold<T>(keyId: number, task: (abandoned: boolean) => Promise<T>): Promise<T>;
}

/** Time, as a port. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}
