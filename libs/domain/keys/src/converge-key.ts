import { isWanted, type KeyRecord } from "./access-key.ts";
import type { TakenKey } from "./take-up-key.ts";
import { clearHeld, restoreHeld } from "./clear-key.ts";
import { NodeIndeterminateError, NodeRejectedError, NodeUnreachableError } from "./errors.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease, NodeUsers } from "./node-users.ts";

/**
 * Makes every node in reach hold the key's user, or not hold it, as its terms say at this moment. A node that is away
 * follows when it is back.
 *
 * @param taken a key that callers see
 * @returns `unreachable` or `rejected` when the key is wanted and no node took it
 * @throws {StoreUnavailableError}
 * @throws {LeaseHeldError} when the lease ran out
 */
export async function convergeHeld(
  taken: TakenKey,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<"followed" | "unreachable" | "rejected"> {
  const { key, hands } = taken;
  if (!isWanted(key, ports.clock.now())) {
    await clearHeld(taken, lease, ports);
    return "followed";
  }
  const ends = await Promise.allSettled(ports.nodes.map((node) => tryRestore(key, node, lease, ports)));
  const values = ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
  await ports.store.letGo(key.keyId, hands);
  if (values.includes("took")) return "followed";
  return values.length > 0 && values.every((end) => end === "rejected") ? "rejected" : "unreachable";
}

async function tryRestore(
  key: KeyRecord,
  node: NodeUsers,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<"took" | "unreachable" | "rejected"> {
  try {
    await restoreHeld(key, node, lease, ports);
    return "took";
  } catch (error) {
    if (error instanceof NodeUnreachableError || error instanceof NodeIndeterminateError) return "unreachable";
    if (error instanceof NodeRejectedError) return "rejected";
    throw error;
  }
}
