import { isNodeError, type NodeFailure } from "./errors.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease } from "./node-users.ts";

/**
 * Runs a repair of a key's user under its lease, for which jobs need not wait.
 *
 * A failure of a node is returned by the repair and thrown when the lease has been given back: either nothing happened on the
 * node, or the key is marked for it. A lease that ends by an error is abandoned, and its next holder has to wait for calls
 * of which nobody knows, and to mark the key for every node.
 *
 * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError | LeaseHeldError | StoreUnavailableError}
 */
export async function repairUnderLease<T>(
  keyId: number,
  { lease }: Pick<LifecyclePorts, "lease">,
  repair: (lease: HeldLease) => Promise<T | NodeFailure>,
): Promise<T> {
  const end = await lease.hold(keyId, repair, "gives-way");
  if (isNodeError(end)) throw end;
  return end;
}

/** The operation's result, or the failure of its node. @throws any other error */
export async function orNodeFailure<T>(operation: Promise<T>): Promise<T | NodeFailure> {
  try {
    return await operation;
  } catch (error) {
    if (isNodeError(error)) return error;
    throw error;
  }
}
