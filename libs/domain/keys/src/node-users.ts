import type { KeyAttributes } from "./access-key.ts";
import type { OwnedExternalId } from "./external-ids.ts";

/** The user of a key as a node knows it. */
export type NodeUser = Pick<KeyAttributes, "keyId" | "uuid" | "flow">;

/** A user that every node of its groups should hold. */
export interface DesiredUser extends NodeUser {
  readonly groups: readonly string[];
  /** Nodes on which an older operation may still come through. */
  readonly indeterminate: readonly string[];
}

/** Options of an operation on a node's user. */
export interface NodeCallOptions {
  /**
   * Called right before each single call that changes a user, however long the operation waited until then. When it
   * throws, the operation ends without that call.
   */
  readonly beforeCall?: () => void;
  /** For an add: the user was removed before, so that what it has open may be cut off, and has to be let in again. */
  readonly isBack?: true;
}

/**
 * The users of one Xray node, one operation at a time.
 *
 * Both methods throw NodeUnreachableError (surely nothing happened), NodeIndeterminateError (it may have happened,
 * or may happen later) or NodeRejectedError (it will never happen).
 */
export interface NodeUsers {
  readonly name: string;
  /** False while the node is known not to answer, so that every call would fail at once. */
  readonly reachable: boolean;
  /** The groups whose keys it is to hold, at each moment. */
  readonly groups: readonly string[];
  /**
   * Whether a pass has made sure that it holds users of its groups alone, since it was away last and since these changed.
   * Until then it may hold any.
   */
  readonly isSettled: boolean;
  /** Adds the user. `exists` when it was there, which is success; under a lease another account is replaced. */
  add(user: NodeUser, options?: NodeCallOptions): Promise<"added" | "exists">;
  /** Removes the user; `absent` when it was not there, which is success. */
  remove(keyId: number, options?: RemoveOptions): Promise<"removed" | "absent">;
  /**
   * Does for many users at once what a removal does beside the call that removes: each of them is then removed with
   * `isPrepared`. Never rejects.
   *
   * @param mayChange asked right before each single call, of each key: those whose lease is over are left out of it
   */
  prepareRemovals(keyIds: readonly number[], mayChange?: (keyId: number) => boolean): Promise<void>;
}

export interface RemoveOptions extends NodeCallOptions {
  /** `add` when its key is active; otherwise what the user has open may be cut off as well, for good. */
  readonly next?: "add";
  /** The removal was prepared together with others. */
  readonly isPrepared?: true;
}

/**
 * How much is waiting for a lease: somebody who wants an answer, or a date that has come (`urgent`); or nothing but a repair,
 * which `gives-way` to them.
 */
export type LeaseUrgency = "urgent" | "gives-way";

/** The lease that makes one process the only one to change a key's user in the nodes. */
export interface KeyLease {
  /**
   * Runs the task while holding the key's lease.
   *
   * @param urgency `urgent` when left out
   * @throws {LeaseHeldError} when another process keeps it for too long, or what the task throws
   */
  hold<T>(keyId: number, task: (lease: HeldLease) => Promise<T>, urgency?: LeaseUrgency): Promise<T>;
  /**
   * Runs the task while holding the leases of those of the keys that nobody holds and whose last holder gave them back; the
   * others are left out. One token for all of them.
   *
   * @param task returns an end for each key that it is done with; the next holder of any other finds the lease abandoned
   * @throws what the task throws
   */
  holdMany<T>(
    keyIds: readonly number[],
    task: (leases: ReadonlyMap<number, HeldLease>) => Promise<ReadonlyMap<number, T>>,
  ): Promise<ReadonlyMap<number, T>>;
  /** {@link hold} of an external id, which one process at a time gives to a key. */
  holdExternalId<T>(id: OwnedExternalId, task: (lease: HeldLease) => Promise<T>): Promise<T>;
}

/** A lease in its holder's eyes. */
export interface HeldLease {
  /** Names this holder, this time; no other one ever has the same. */
  readonly token: string;
  /** Greater than that of every earlier holder. */
  readonly fence: number;
  /**
   * The token of the last holder when that one never gave the lease back; null when it did. Its calls began so long ago that
   * after LATE_CALL_MS nothing more comes of them.
   */
  readonly abandonedBy: string | null;
  /**
   * To be asked right before every single call, after whatever it had to wait for: a process that was paused must not go
   * on where it was.
   *
   * @throws {LeaseHeldError} when the lease may run out before a call that begins now has ended
   */
  mustLast(): void;
}

/** Time, as a port. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}
