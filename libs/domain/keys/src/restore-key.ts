import type { KeyRecord } from "./access-key.ts";
import { allEnded, whileHeld } from "./clear-key.ts";
import { isNodeError, type NodeFailure, NodeIndeterminateError } from "./errors.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease, NodeUsers } from "./node-users.ts";
import { orNodeFailure, repairUnderLease } from "./repair-key.ts";
import { passOnMarks, takeUpKey } from "./take-up-key.ts";
import { LATE_CALL_MS } from "./timing.ts";
import { isWantedOn } from "./wanted-on.ts";

/**
 * Makes an active key's user right on one node of its groups: there, with its uuid, and not undone by an older call. The other
 * nodes in reach for which the key is marked as indeterminate are made right under the same lease: one by one they would hold
 * it for a second each, and the passes over many nodes would wait for one another.
 *
 * @returns `kept` when it is not to be there any more, so that there was nothing to do
 * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError} of the one node; another that fails stays marked
 * @throws {LeaseHeldError | StoreUnavailableError}
 */
export async function restoreKey(keyId: number, node: NodeUsers, ports: LifecyclePorts): Promise<"restored" | "kept"> {
  return repairUnderLease(keyId, ports, async (lease) => {
    const current = await ports.store.find(keyId);
    if (current === null || !isWantedOn(current, node, ports.clock.now())) {
      await passOnMarks(keyId, lease, ports);
      return "kept";
    }
    const taken = await takeUpKey(keyId, [], lease, ports);
    if (taken === null) return "kept";
    const { key, hands } = taken;
    if (!isWantedOn(key, node, ports.clock.now())) {
      await ports.store.letGo(keyId, hands);
      return "kept";
    }
    const end = await restoreWithMarked(key, node, lease, ports);
    await ports.store.letGo(keyId, hands);
    return end;
  });
}

async function restoreWithMarked(
  key: KeyRecord,
  node: NodeUsers,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<"restored" | NodeFailure> {
  const nodes = [node, ...markedBeside(node, key, ports)];
  const ends = await allEnded(
    nodes.map(async (each) => ({ each, end: await orNodeFailure(restoreHeld(key, each, lease, ports)) })),
  );
  const after = await ports.store.find(key.keyId);
  const now = ports.clock.now();
  const unwanted = ends.filter(({ each, end }) => !isNodeError(end) && after !== null && !isWantedOn(after, each, now));
  await allEnded(unwanted.map(({ each }) => whileHeld(each, lease).remove(key.keyId)));
  const own = ends.find(({ each }) => each === node)?.end;
  return isNodeError(own) ? own : "restored";
}

/** The other nodes in reach that are to hold the key's user and on which an older call may still come through. */
function markedBeside(node: NodeUsers, key: KeyRecord, { nodes, clock }: LifecyclePorts): NodeUsers[] {
  const now = clock.now();
  const isMarked = ({ name }: NodeUsers) => name !== node.name && key.indeterminate.includes(name);
  return nodes.filter((other) => isMarked(other) && other.reachable && isWantedOn(key, other, now));
}

/**
 * Makes the user of a key that was taken up, and is wanted, right on one node.
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
      // One that is away says so at once: nobody waits for older calls there.
      if (!node.reachable) await held.remove(keyId, { next: "add" });
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
