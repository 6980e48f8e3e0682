import { isGone, isVisible, isWanted, type KeyRecord, needsClearing } from "./access-key.ts";
import { LeaseHeldError, NodeRejectedError, NodeUnreachableError, NodeIndeterminateError } from "./errors.ts";
import type { HandledKey } from "./ports.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease, NodeUsers, RemoveOptions } from "./node-users.ts";
import { passOnMarks, type TakenKey, takeUpKey } from "./take-up-key.ts";
import { LATE_CALL_MS } from "./timing.ts";

/**
 * Takes a key that is `deleting`, or out of service, out of every node. The record of one that is deleted then goes.
 *
 * Under the key's lease, and on what is true under it. A node that is away leaves the key `deleting`; a later sweep
 * finishes it there and asks nothing of the nodes that are clear. Where the key is marked as indeterminate an earlier call
 * may have come through late or halfway, so the node is forced to converge: see {@link convergeNode}.
 *
 * @param indeterminate nodes to be marked first, also of a key that is gone
 * @returns `cleared`, `pending` when a node was unreachable or indeterminate, `held` when another process is at it and nothing was done
 * @throws {StoreUnavailableError}
 */
export async function clearKey(
  { keyId }: Pick<KeyRecord, "keyId">,
  indeterminate: readonly string[],
  ports: LifecyclePorts,
): Promise<"cleared" | "pending" | "held"> {
  try {
    return await ports.lease.hold(keyId, async (lease) => {
      const current = await ports.store.find(keyId);
      const now = ports.clock.now();
      const isToBeDone = current !== null && (needsClearing(current, now) || indeterminate.length > 0);
      if (!isToBeDone || isWanted(current, now)) {
        await passOnMarks(keyId, lease, ports);
        return "cleared";
      }
      const taken = await takeUpKey(keyId, indeterminate, lease, ports);
      return taken === null ? "cleared" : clearHeld(taken, lease, ports);
    });
  } catch (error) {
    if (error instanceof LeaseHeldError) return "held";
    throw error;
  }
}

/**
 * {@link clearKey} for whoever holds the key's lease already, and has taken the key up.
 *
 * @throws {StoreUnavailableError}
 * @throws {LeaseHeldError} when the lease ran out
 */
export async function clearHeld(
  { key, hands }: TakenKey,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<"cleared" | "pending"> {
  const ends = await allEnded(
    ports.nodes.map(async (node) => {
      const isCleared = isClear(key, node.name) || (await clearNode(node, key, lease, ports)) === "cleared";
      return { node: node.name, isCleared };
    }),
  );
  const clear = ends.filter(({ isCleared }) => isCleared).map(({ node }) => node);
  // A mark that somebody made since the key was taken up stays.
  const converged = clear.filter((node) => key.indeterminate.includes(node));
  // Only the lease's holder may take marks away: its successor may have made them.
  lease.mustLast();
  if (isVisible(key)) {
    // Out of service for now: its record stays, and no node is done with it for good.
    await ports.store.letGo(key.keyId, hands, { clear: [], converged });
    return clear.length < ends.length ? "pending" : "cleared";
  }
  if (clear.length < ends.length) {
    await ports.store.letGo(key.keyId, hands, { clear, converged });
    return "pending";
  }
  await ports.store.finishDeletion(key.keyId, hands, { clear, converged });
  return "cleared";
}

/** Whether a node is done with the deletion of this key. */
export function isClear({ phase, clear, indeterminate }: HandledKey, node: string): boolean {
  return (phase === "gone" || clear.includes(node)) && !indeterminate.includes(node);
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
    reachable: node.reachable,
    add: (user, options) => node.add(user, { ...options, beforeCall }),
    remove: (keyId, options) => node.remove(keyId, { ...options, beforeCall }),
    prepareRemovals: (keyIds) => node.prepareRemovals(keyIds),
  };
}

/**
 * Takes a key out of one node. One that is away stays as it is marked.
 *
 * @throws {StoreUnavailableError}
 * @throws {LeaseHeldError} when the lease ran out
 */
export async function clearNode(
  cleared: NodeUsers,
  key: KeyRecord,
  lease: HeldLease,
  ports: LifecyclePorts,
  options: Pick<RemoveOptions, "isPrepared"> = {},
): Promise<"cleared" | "pending"> {
  const node = whileHeld(cleared, lease);
  const isMarked = key.indeterminate.includes(node.name);
  try {
    if (!isMarked) {
      await node.remove(key.keyId, options);
      return "cleared";
    }
    return (await convergeNode(node, key, ports)) === "alone" ? "cleared" : "pending";
  } catch (error) {
    if (error instanceof NodeUnreachableError) return "pending";
    const isNodes = error instanceof NodeIndeterminateError || error instanceof NodeRejectedError;
    if (!isNodes) throw error;
  }
  if (!isMarked) await ports.store.markIndeterminate(key.keyId, node.name);
  return "pending";
}

/**
 * Forces a node to hold nothing of a key: remove, a second's wait, remove, add, remove.
 *
 * Xray keeps users by e-mail and by UUID and changes the one map after the other. An add that comes through beside a remove
 * can leave a user that works and is listed nowhere, and only another add and remove of it ends that. Removes are kept
 * apart by the key's hands; an add of somebody who holds no lease, which is a creation's, may come at any moment. So every
 * answer must be the one that a node gives to whoever is alone at it:
 *
 * - the second remove finds nothing: no add came since the first one, and what came before it was through within the second
 * - the add finds nothing either: no other add came first
 * - the last remove finds the user: nobody took it away
 *
 * An add that comes later leaves a user that is listed, which the next pass finds.
 *
 * @returns `alone`, or `disturbed` when some answer was another one and the node has to be forced once more
 * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError | LeaseHeldError}
 */
async function convergeNode(
  node: NodeUsers,
  key: KeyRecord,
  { clock }: LifecyclePorts,
): Promise<"alone" | "disturbed"> {
  await node.remove(key.keyId);
  await clock.sleep(LATE_CALL_MS);
  const before = await node.remove(key.keyId);
  const added = await node.add(key);
  const removed = await node.remove(key.keyId);
  return before === "absent" && added === "added" && removed === "removed" ? "alone" : "disturbed";
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
    const current = await ports.store.find(keyId);
    if (current === null || !isWanted(current, ports.clock.now())) {
      await passOnMarks(keyId, lease, ports);
      return "kept";
    }
    const taken = await takeUpKey(keyId, [], lease, ports);
    if (taken === null) return "kept";
    const { key, hands } = taken;
    if (!isWanted(key, ports.clock.now())) {
      await ports.store.letGo(keyId, hands);
      return "kept";
    }
    await restoreHeld(key, node, lease, ports);
    const after = await ports.store.find(keyId);
    if (after !== null && !isWanted(after, ports.clock.now())) await whileHeld(node, lease).remove(keyId);
    await ports.store.letGo(keyId, hands);
    return "restored";
  });
}

/**
 * {@link restoreKey} for whoever has taken up a key that is wanted.
 *
 * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError | LeaseHeldError | StoreUnavailableError}
 */
export async function restoreHeld(
  key: KeyRecord,
  node: NodeUsers,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<void> {
  const { keyId } = key;
  const held = whileHeld(node, lease);
  try {
    if (key.indeterminate.includes(node.name)) {
      await ports.clock.sleep(LATE_CALL_MS);
      await held.remove(keyId, { next: "add" });
      const isAlone = (await held.add(key, { isBack: true })) === "added";
      if (isAlone) await clearIndeterminate(keyId, node.name, lease, ports);
    } else {
      await held.add(key, { isBack: true });
    }
  } catch (error) {
    if (error instanceof NodeIndeterminateError) await ports.store.markIndeterminate(keyId, node.name);
    throw error;
  }
}

/**
 * Removes a user of ours from one node when no record wants it there: an orphan, or one whose key is out of service.
 *
 * The caller has made sure that no creation claims the key. One that is wanted, or whose removal from this node is the
 * sweep's, is left alone. An orphan comes from a call that nobody waited for, so the node is forced to converge. One that
 * is not there any more when it is to go was removed by the deletion that a pass ran beside: putting it back for a moment
 * would break that one's promise.
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
    const current = await ports.store.find(keyId);
    if (current === null) return removeUnrecorded(keyId, whileHeld(node, lease), ports);
    if (isWanted(current, ports.clock.now())) {
      await passOnMarks(keyId, lease, ports);
      return "kept";
    }
    const taken = await takeUpKey(keyId, [], lease, ports);
    if (taken === null) return "kept";
    const { key, hands } = taken;
    const end = await removeRecorded(key, node, lease, ports);
    lease.mustLast();
    await ports.store.letGo(keyId, hands, { clear: [], converged: end === "removed" ? [node.name] : [] });
    return end;
  });
}

async function removeUnrecorded(keyId: number, node: NodeUsers, { clock }: LifecyclePorts): Promise<"removed"> {
  await node.remove(keyId);
  await clock.sleep(LATE_CALL_MS);
  await node.remove(keyId);
  return "removed";
}

async function removeRecorded(
  key: HandledKey,
  node: NodeUsers,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<"removed" | "kept" | "pending"> {
  // An expiry or a ban that the node did not hear of: nobody put the user there, so nothing has to be forced.
  if (isVisible(key)) {
    if (isWanted(key, ports.clock.now())) return "kept";
    return (await clearNode(node, key, lease, ports)) === "cleared" ? "removed" : "pending";
  }
  if (!isGone(key) && !isClear(key, node.name)) return "kept";
  const isMarked = key.indeterminate.includes(node.name);
  if (!isMarked) {
    if ((await removeOnce(whileHeld(node, lease), key.keyId, ports)) === "absent") return "kept";
    await ports.store.markIndeterminate(key.keyId, node.name);
  }
  const marked = { ...key, indeterminate: [...key.indeterminate, node.name] };
  return (await clearNode(node, marked, lease, ports)) === "cleared" ? "removed" : "pending";
}

async function removeOnce(node: NodeUsers, keyId: number, ports: LifecyclePorts): Promise<"removed" | "absent"> {
  try {
    return await node.remove(keyId);
  } catch (error) {
    if (error instanceof NodeIndeterminateError) await ports.store.markIndeterminate(keyId, node.name);
    throw error;
  }
}
