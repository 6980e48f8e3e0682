import type { Creation } from "./access-key.ts";
import { groupsMeet } from "./groups-meet.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { NodeUsers } from "./node-users.ts";

/** The nodes that are to hold the users of keys in these groups. */
export function nodesOfGroups(groups: readonly string[], { nodes }: Pick<LifecyclePorts, "nodes">): NodeUsers[] {
  return nodes.filter((node) => groupsMeet(groups, node.groups));
}

/** Names of the nodes that may hold the user of a key under creation. */
export function nodesOfClaim({ groups }: Creation, ports: Pick<LifecyclePorts, "nodes">): string[] {
  const nodes = groups === undefined ? ports.nodes : nodesOfGroups(groups, ports);
  return nodes.map(({ name }) => name);
}
