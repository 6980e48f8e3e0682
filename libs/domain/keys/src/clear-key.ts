import { isGone, isWanted, type KeyRecord, needsClearing } from "./access-key.ts";
import { LeaseHeldError, NodeRejectedError, NodeUnreachableError, NodeIndeterminateError } from "./errors.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease, NodeUsers } from "./node-users.ts";
import { LATE_CALL_MS } from "./timing.ts";

/**
 * Takes a key that is `deleting` out of every node and then lets its record go.
 *
 * Under the key's lease, and on what is true under it. A node that is away leaves the key `deleting`;
 * a later sweep finishes it. `forceConverge` says that earlier calls may still be under way: an add that comes through
 * beside a remove can leave a user that works and is listed nowhere, and only remove + add + remove ends that. When that
 * add finds the user there already, or the last remove does not find it, an older call came through just then, perhaps in
 * the middle of the add: the node has to be forced once more.
 *
 * @returns `cleared`, `pending` when a node was unreachable or indeterminate, `held` when another process is at it and nothing was done
 * @throws {StoreUnavailableError}
 */
export async function clearKey(
  key: KeyRecord,
  options: { readonly forceConverge: boolean },
  ports: LifecyclePorts,
): Promise<"cleared" | "pending" | "held"> {
  try {
    return await ports.lease.hold(key.keyId, async (lease) => {
      const current = await ports.store.find(key.keyId);
      if (current === null || !needsClearing(current)) return "cleared";
      return clearHeld(current, options, lease, ports);
    });
  } catch (error) {
    if (error instanceof LeaseHeldError) return "held";
    throw error;
  }
}

/**
 * {@link clearKey} for whoever holds the key's lease already.
 *
 * @param key a record of it that is `deleting`, read under the lease
 * @throws {StoreUnavailableError}
 * @throws {LeaseHeldError} when the lease ran out
 */
export async function clearHeld(
  key: KeyRecord,
  options: { readonly forceConverge: boolean },
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<"cleared" | "pending"> {
  const ends = await allEnded(
    ports.nodes.map((node) => {
      const forceConverge = options.forceConverge || lease.abandoned || key.indeterminate.includes(node.name);
      return clearNode(node, key, forceConverge, lease, ports);
    }),
  );
  if (ends.includes("pending")) return "pending";
  lease.mustLast();
  await ports.store.finishDeletion(key.keyId);
  return "cleared";
}

/** Waits for all of them also when one fails: what goes on after the lease is given back has no right to. */
async function allEnded<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

/** The node, for as long as the lease lasts: an operation is many waits and calls, and no call of it may outlast the lease. */
function whileHeld(node: NodeUsers, lease: HeldLease): NodeUsers {
  const beforeCall = () => lease.mustLast();
  return {
    name: node.name,
    add: (user) => node.add(user, { beforeCall }),
    remove: (keyId, options) => node.remove(keyId, { ...options, beforeCall }),
  };
}

async function clearNode(
  cleared: NodeUsers,
  key: KeyRecord,
  forceConverge: boolean,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<"cleared" | "pending"> {
  const node = whileHeld(cleared, lease);
  try {
    await node.remove(key.keyId);
    if (!forceConverge) return "cleared";
    await ports.clock.sleep(LATE_CALL_MS);
    await node.remove(key.keyId);
    const added = await node.add(key);
    const removed = await node.remove(key.keyId);
    if (added === "added" && removed === "removed") {
      if (key.indeterminate.includes(node.name)) await clearIndeterminate(key.keyId, node.name, lease, ports);
      return "cleared";
    }
  } catch (error) {
    if (error instanceof NodeUnreachableError && !forceConverge) return "pending";
    const isNodes =
      error instanceof NodeUnreachableError ||
      error instanceof NodeIndeterminateError ||
      error instanceof NodeRejectedError;
    if (!isNodes) throw error;
  }
  await ports.store.markIndeterminate(key.keyId, node.name);
  return "pending";
}

/** Only the lease's holder may do so: its successor may have marked the node meanwhile. */
async function clearIndeterminate(
  keyId: number,
  node: string,
  lease: HeldLease,
  { store }: LifecyclePorts,
): Promise<void> {
  lease.mustLast();
  await store.clearIndeterminate(keyId, node);
}

/**
 * Makes an active key's user right on one node: there, with its uuid, and not undone by an older call.
 *
 * @returns `kept` when the key is no longer active, so that there was nothing to do
 * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError | LeaseHeldError | StoreUnavailableError}
 */
export async function restoreKey(keyId: number, node: NodeUsers, ports: LifecyclePorts): Promise<"restored" | "kept"> {
  return ports.lease.hold(keyId, async (lease) => {
    const key = await ports.store.find(keyId);
    if (key === null || !isWanted(key)) return "kept";
    const held = whileHeld(node, lease);
    try {
      if (lease.abandoned || key.indeterminate.includes(node.name)) {
        await ports.clock.sleep(LATE_CALL_MS);
        await held.remove(keyId, { next: "add" });
        const isAlone = (await held.add(key)) === "added";
        if (isAlone) await clearIndeterminate(keyId, node.name, lease, ports);
        else await ports.store.markIndeterminate(keyId, node.name);
      } else {
        await held.add(key);
      }
    } catch (error) {
      if (error instanceof NodeIndeterminateError) await ports.store.markIndeterminate(keyId, node.name);
      throw error;
    }
    const after = await ports.store.find(keyId);
    if (after !== null && !isWanted(after)) await held.remove(keyId);
    return "restored";
  });
}

/**
 * Removes a user of ours from one node when no record wants it there: an orphan.
 *
 * The caller has made sure that no creation claims the key. One that is active, or whose removal is the sweep's, is left
 * alone. An orphan comes from a call that nobody waited for, so the node is forced to converge. One that is not there any
 * more when it is to go was removed by the deletion that a pass ran beside: putting it back for a moment would break that
 * one's promise.
 *
 * @returns `pending` when the node was unreachable or indeterminate, which the key's record now says
 * @throws {LeaseHeldError | StoreUnavailableError}
 * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError} without a record
 */
export async function removeOrphan(
  keyId: number,
  node: NodeUsers,
  ports: LifecyclePorts,
): Promise<"removed" | "kept" | "pending"> {
  return ports.lease.hold(keyId, async (lease) => {
    const key = await ports.store.find(keyId);
    if (key !== null && !isGone(key)) return "kept";
    const held = whileHeld(node, lease);
    if (key !== null) {
      const isIndeterminate = lease.abandoned || key.indeterminate.includes(node.name);
      if (!isIndeterminate && (await removeOnce(held, keyId, ports)) === "absent") return "kept";
      return (await clearNode(node, key, true, lease, ports)) === "cleared" ? "removed" : "pending";
    }
    await held.remove(keyId);
    await ports.clock.sleep(LATE_CALL_MS);
    await held.remove(keyId);
    return "removed";
  });
}

async function removeOnce(node: NodeUsers, keyId: number, ports: LifecyclePorts): Promise<"removed" | "absent"> {
  try {
    return await node.remove(keyId);
  } catch (error) {
    if (error instanceof NodeIndeterminateError) await ports.store.markIndeterminate(keyId, node.name);
    throw error;
  }
}
