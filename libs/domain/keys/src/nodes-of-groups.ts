import type { Creation } from "./access-key.ts";
import { groupsMeet } from "./groups-meet.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { NodeUsers } from "./node-users.ts";
import { mayHold } from "./wanted-on.ts";

/** The nodes that are to hold the users of keys in these groups. */
export function nodesOfGroups(groups: readonly string[], { nodes }: Pick<LifecyclePorts, "nodes">): NodeUsers[] {
  return nodes.filter((node) => groupsMeet(groups, node.groups));
}

/** Names of the nodes that may hold the user of a key under creation, whoever added it and whichever groups that one knew of. */
export function nodesOfClaim({ groups }: Creation, { nodes }: Pick<LifecyclePorts, "nodes">): string[] {
  const held = groups === undefined ? nodes : nodes.filter((node) => mayHold({ indeterminate: [] }, node, groups));
  return held.map(({ name }) => name);
}
