import type { Fleet, FleetNode, FleetStore, NodeState } from "./fleet.ts";

/**
 * Changes the fleet, whoever else changes it at the same time: on what is stored when the change is.
 *
 * @param change the nodes as they are to be, null when there is nothing to change
 * @returns whether anything was changed
 * @throws {StoreUnavailableError} when the store is away; it may have been changed
 */
export async function changeFleet(
  store: FleetStore,
  change: (fleet: Fleet) => readonly FleetNode[] | null,
): Promise<boolean> {
  for (;;) {
    const fleet = await store.read();
    const nodes = fleet === null ? null : change(fleet);
    if (nodes === null) return false;
    if ((await store.save(fleet, { nodes })) === "saved") return true;
  }
}

/**
 * A node that has been filled becomes active.
 *
 * @param now milliseconds since the epoch
 * @returns null when there is nothing to change
 */
export function activated({ nodes }: Fleet, name: string, now: number): readonly FleetNode[] | null {
  const joining = nodes.find((node) => node.name === name && node.state === "joining");
  return joining === undefined ? null : withState(nodes, joining, "active", now);
}

function withState(
  nodes: readonly FleetNode[],
  changed: FleetNode,
  state: NodeState,
  since: number,
): readonly FleetNode[] {
  return nodes.map((node) => (node === changed ? { ...node, state, since } : node));
}
