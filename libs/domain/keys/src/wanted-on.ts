import { type Creation, isWanted, type KeyRecord } from "./access-key.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { DesiredUser, NodeUsers } from "./node-users.ts";

/** The part of a node that decides whose users it is to hold. */
export type GroupedNode = Pick<NodeUsers, "name" | "groups">;

/** Whether a node should hold the key's user at the moment. @param now milliseconds since the epoch */
export function isWantedOn(
  key: Pick<KeyRecord, "phase" | "terms">,
  { groups }: Pick<GroupedNode, "groups">,
  now: number,
): boolean {
  return isWanted(key, now) && groupsMeet(key.terms.groups, groups);
}

/**
 * Whether a node may hold the key's user, so that whoever takes the key out has to ask it: one of its groups, one that is not
 * known to hold nobody else, and one on which an older call may still come through.
 *
 * @param groups those that the key is in, or has just been in
 */
export function mayHold(
  { indeterminate }: Pick<KeyRecord, "indeterminate">,
  { name, groups: ofNode, isSettled }: Pick<NodeUsers, "name" | "groups" | "isSettled">,
  groups: readonly string[],
): boolean {
  return !isSettled || groupsMeet(groups, ofNode) || indeterminate.includes(name);
}

/** Whether a node may still hold the user of a key that should not be there. @param now milliseconds since the epoch */
export function needsClearingOn(key: KeyRecord, node: GroupedNode, now: number): boolean {
  return key.indeterminate.includes(node.name) && !isWantedOn(key, node, now);
}

/** Whether a key's deletion is unfinished, or some node may still hold it and should not. @param now milliseconds since the epoch */
export function isUncleared(key: KeyRecord, nodes: readonly GroupedNode[], now: number): boolean {
  return key.phase === "deleting" || nodes.some((node) => needsClearingOn(key, node, now));
}

/** The user of a key as nodes should hold it. */
export function desiredUserOf({ keyId, uuid, flow, indeterminate, terms }: KeyRecord): DesiredUser {
  return { keyId, uuid, flow, indeterminate, groups: terms.groups };
}

/** Those of the desired users that a node should hold; the same map when it should hold all of them. */
export function desiredOn(
  { groups }: Pick<GroupedNode, "groups">,
  desired: ReadonlyMap<number, DesiredUser>,
): ReadonlyMap<number, DesiredUser> {
  // Most users share their lists with others, so that few are compared.
  const known = new Map<readonly string[], boolean>();
  const isHere = (user: DesiredUser): boolean => {
    const meets = known.get(user.groups) ?? groupsMeet(user.groups, groups);
    known.set(user.groups, meets);
    return meets;
  };
  const here = new Map<number, DesiredUser>();
  for (const [keyId, user] of desired) if (isHere(user)) here.set(keyId, user);
  return here.size === desired.size ? desired : here;
}

/** Whether two lists of groups have a name in common: of a key and a node, it says that the node is to hold the key's user. */
export function groupsMeet(one: readonly string[], other: readonly string[]): boolean {
  return one.some((group) => other.includes(group));
}

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
