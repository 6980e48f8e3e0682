import { isGone, isVisible } from "./access-key.ts";
import { clearNode, isClear, whileHeld } from "./clear-key.ts";
import { NodeIndeterminateError } from "./errors.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease, NodeUsers } from "./node-users.ts";
import type { HandledKey } from "./ports.ts";
import { orNodeFailure, repairUnderLease } from "./repair-key.ts";
import { passOnMarks, takeUpKey } from "./take-up-key.ts";
import { LATE_CALL_MS } from "./timing.ts";
import { isWantedOn } from "./wanted-on.ts";

/**
 * Removes a user of ours from one node when no record wants it there: an orphan, or one whose key is out of service or in
 * other groups.
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
  return repairUnderLease(keyId, ports, async (lease) => {
    const current = await ports.store.find(keyId);
    if (current === null) return orNodeFailure(removeUnrecorded(keyId, whileHeld(node, lease), ports));
    if (isWantedOn(current, node, ports.clock.now())) {
      await passOnMarks(keyId, lease, ports);
      return "kept";
    }
    const taken = await takeUpKey(keyId, [], lease, ports);
    if (taken === null) return "kept";
    const { key, hands } = taken;
    const end = await orNodeFailure(removeRecorded(key, node, lease, ports));
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
  // An expiry, a ban or a change of groups that the node did not hear of: nobody put the user there, so nothing has to be forced.
  if (isVisible(key)) {
    if (isWantedOn(key, node, ports.clock.now())) return "kept";
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
