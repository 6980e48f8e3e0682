import { isVisible, type KeyRecord } from "./access-key.ts";
import { NOTHING_DUE } from "./due-of.ts";
import { isNodeError, LeaseHeldError, NodeUnreachableError } from "./errors.ts";
import type { HandledKey } from "./ports.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease, NodeUsers, RemoveOptions } from "./node-users.ts";
import { passOnMarks, type TakenKey, takeUpKey } from "./take-up-key.ts";
import { LATE_CALL_MS } from "./timing.ts";
import { isWantedOn, mayHold, needsClearingOn } from "./wanted-on.ts";

/**
 * Takes a key out of every node that should not hold it: one that is `deleting`, or out of service, out of all of them, and
 * any other out of those of other groups. The record of one that is deleted then goes, and nothing is expected of it any more.
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
    return await ports.lease.hold(
      keyId,
      async (lease) => {
        const current = await ports.store.find(keyId);
        if (current === null || !isToBeCleared(current, indeterminate, ports)) {
          await passOnMarks(keyId, lease, ports);
          return "cleared";
        }
        const taken = await takeUpKey(keyId, indeterminate, lease, ports);
        return taken === null ? "cleared" : clearHeld(taken, lease, ports);
      },
      "gives-way",
    );
  } catch (error) {
    if (error instanceof LeaseHeldError) return "held";
    throw error;
  }
}

function isToBeCleared(key: KeyRecord, indeterminate: readonly string[], { nodes, clock }: LifecyclePorts): boolean {
  if (key.phase === "deleting") return true;
  const now = clock.now();
  const marked = { ...key, indeterminate: [...key.indeterminate, ...indeterminate] };
  return nodes.some((node) => needsClearingOn(marked, node, now));
}

/**
 * Those of the nodes that may hold the user of a key and should not.
 *
 * @param groups those that the key is in, or has just been in
 * @param now milliseconds since the epoch
 */
export function unclearedNodes(
  key: HandledKey,
  groups: readonly string[],
  { nodes }: Pick<LifecyclePorts, "nodes">,
  now: number,
): NodeUsers[] {
  return nodes.filter((node) => mayHold(key, node, groups) && !isWantedOn(key, node, now) && !isClear(key, node.name));
}

/**
 * Takes the user of a key that was taken up out of some nodes.
 *
 * @returns the names of those that are done with it
 * @throws {StoreUnavailableError}
 * @throws {LeaseHeldError} when the lease ran out
 */
export async function clearNodes(
  nodes: readonly NodeUsers[],
  key: KeyRecord,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<string[]> {
  const ends = await allEnded(
    nodes.map(async (node) => ({ node: node.name, end: await clearNode(node, key, lease, ports) })),
  );
  return ends.filter(({ end }) => end === "cleared").map(({ node }) => node);
}

/**
 * {@link clearKey} for whoever holds the key's lease already, and has taken the key up.
 *
 * @param groups those that the key is in, or has just been in
 * @throws {StoreUnavailableError}
 * @throws {LeaseHeldError} when the lease ran out
 */
export async function clearHeld(
  { key, hands }: TakenKey,
  lease: HeldLease,
  ports: LifecyclePorts,
  groups: readonly string[] = key.terms.groups,
): Promise<"cleared" | "pending"> {
  const nodes = unclearedNodes(key, groups, ports, ports.clock.now());
  const clear = await clearNodes(nodes, key, lease, ports);
  // A mark that somebody made since the key was taken up stays.
  const converged = clear.filter((node) => key.indeterminate.includes(node));
  // Only the lease's holder may take marks away: its successor may have made them.
  lease.mustLast();
  if (isVisible(key)) {
    // Out of service for now: its record stays, and no node is done with it for good.
    await ports.store.letGo(key.keyId, hands, { clear: [], converged });
    return clear.length < nodes.length ? "pending" : "cleared";
  }
  if (clear.length < nodes.length) {
    await ports.store.letGo(key.keyId, hands, { clear, converged });
    return "pending";
  }
  await allEnded([
    ports.store.finishDeletion(key.keyId, hands, { clear, converged }),
    ports.due.replace(key.keyId, NOTHING_DUE),
  ]);
  return "cleared";
}

/** Whether a node is done with the deletion of this key. */
export function isClear({ phase, clear, indeterminate }: HandledKey, node: string): boolean {
  return (phase === "gone" || clear.includes(node)) && !indeterminate.includes(node);
}

/** Waits for all of them also when one fails: what goes on after the lease is given back has no right to. */
export async function allEnded<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

/** The node, for as long as the lease lasts: an operation is many waits and calls, and no call of it may outlast the lease. */
export function whileHeld(node: NodeUsers, lease: HeldLease): NodeUsers {
  const beforeCall = () => lease.mustLast();
  return {
    name: node.name,
    reachable: node.reachable,
    groups: node.groups,
    isSettled: node.isSettled,
    add: (user, options) => node.add(user, { ...options, beforeCall }),
    remove: (keyId, options) => node.remove(keyId, { ...options, beforeCall }),
    prepareRemovals: (keyIds) => node.prepareRemovals(keyIds, () => isHeld(lease)),
  };
}

/** Whether a call that begins now ends while the lease lasts. */
export function isHeld(lease: HeldLease): boolean {
  try {
    lease.mustLast();
    return true;
  } catch (error) {
    if (error instanceof LeaseHeldError) return false;
    throw error;
  }
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
    if (!isNodeError(error)) throw error;
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
