import { isWanted, type KeyRecord } from "./access-key.ts";
import type { TakenKey } from "./take-up-key.ts";
import { clearHeld, clearNodes, unclearedNodes } from "./clear-key.ts";
import { isNodeError, NodeRejectedError } from "./errors.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease, NodeUsers } from "./node-users.ts";
import { type NodeEnd, noneTookDetail } from "./no-node-detail.ts";
import { isForNone, isWantedOn } from "./wanted-on.ts";
import { orNodeFailure } from "./repair-key.ts";
import { restoreHeld } from "./restore-key.ts";

export type ConvergeEnd =
  | { readonly outcome: "followed" }
  | { readonly outcome: "unavailable" | "failed"; readonly detail: string };

const FOLLOWED = { outcome: "followed" } as const;

/**
 * Makes every node in reach hold the key's user, or not hold it, as its terms and the node's groups say at this moment. A
 * node that is away follows when it is back.
 *
 * @param taken a key that callers see
 * @param groups those that the key is in, or has just been in
 * @returns whether it `failed` for good or is `unavailable` for now when some nodes should hold the user and none took it
 * @throws {StoreUnavailableError}
 * @throws {LeaseHeldError} when the lease ran out
 */
export async function convergeHeld(
  taken: TakenKey,
  lease: HeldLease,
  ports: LifecyclePorts,
  groups: readonly string[] = taken.key.terms.groups,
): Promise<ConvergeEnd> {
  const { key, hands } = taken;
  const now = ports.clock.now();
  if (!isWanted(key, now)) {
    await clearHeld(taken, lease, ports, groups);
    return FOLLOWED;
  }
  const wanted = ports.nodes.filter((node) => isWantedOn(key, node, now));
  const restoring = wanted.map((node) => tryRestore(key, node, lease, ports));
  const clearing = clearNodes(unclearedNodes(key, groups, ports, now), key, lease, ports);
  // No work may go on after the lease is given back.
  await Promise.allSettled([...restoring, clearing]);
  const values = await Promise.all(restoring);
  const converged = (await clearing).filter((node) => key.indeterminate.includes(node));
  if (converged.length > 0) lease.mustLast();
  await ports.store.letGo(key.keyId, hands, { clear: [], converged });
  if (isForNone(wanted, ports) || values.includes("took")) return FOLLOWED;
  const isRejected = values.length > 0 && values.every((end) => end === "rejected");
  if (isRejected) return { outcome: "failed", detail: "Xray refused the key" };
  return { outcome: "unavailable", detail: noneTookDetail(values) };
}

async function tryRestore(
  key: KeyRecord,
  node: NodeUsers,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<Extract<NodeEnd, "took" | "unreachable" | "rejected">> {
  const failure = await orNodeFailure(restoreHeld(key, node, lease, ports));
  if (!isNodeError(failure)) return "took";
  return failure instanceof NodeRejectedError ? "rejected" : "unreachable";
}
