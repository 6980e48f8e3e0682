import type { Creation, KeyRecord } from "./access-key.ts";
import { groupsMeet, isWantedOn, mayHold } from "./wanted-on.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { NodeUsers } from "./node-users.ts";

/** The nodes that are to hold the users of keys in these groups. */
export function nodesOfGroups(groups: readonly string[], { nodes }: Pick<LifecyclePorts, "nodes">): NodeUsers[] {
  return nodes.filter((node) => groupsMeet(groups, node.groups));
}

/** Whether there are nodes, and a key is for none of them: there is nothing to be held. */
export function isForNone(ofKey: readonly NodeUsers[], { nodes }: Pick<LifecyclePorts, "nodes">): boolean {
  return ofKey.length === 0 && nodes.length > 0;
}

/** Names of the nodes that may hold the user of a key under creation, whoever added it and whichever groups that one knew of. */
export function nodesOfClaim({ groups }: Creation, { nodes }: Pick<LifecyclePorts, "nodes">): string[] {
  const held = groups === undefined ? nodes : nodes.filter((node) => mayHold({ indeterminate: [] }, node, groups));
  return held.map(({ name }) => name);
}

/**
 * Nodes that took the user and should not hold it: their groups changed meanwhile, or another delivery decided the key, and
 * somebody changed it, before the calls of this one came through.
 */
export function straysOf(decided: KeyRecord, took: readonly string[], { nodes, clock }: LifecyclePorts): string[] {
  const isChanged = decided.changedBy.length > 0;
  const isHere = (node: NodeUsers) =>
    isChanged ? isWantedOn(decided, node, clock.now()) : groupsMeet(decided.terms.groups, node.groups);
  return nodes.filter((node) => took.includes(node.name) && !isHere(node)).map(({ name }) => name);
}
