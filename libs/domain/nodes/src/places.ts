import { isSameKind } from "@veil/protocols";
import { type Fleet, type FleetNode, type FleetUpdate, isSameNode, servingNodes } from "./fleet.ts";
import { groupsOfInbound, inboundsOf, type NodeInbound } from "./inbounds.ts";

/**
 * A place that holds users: one inbound of a node. What is kept of users on nodes is kept by the places' names; the first inbound
 * of a node has the node's own.
 */
export interface Place {
  readonly name: string;
  readonly of: FleetNode;
  readonly inbound: NodeInbound;
  /** The groups whose keys it holds. */
  readonly groups: readonly string[];
}

/**
 * Another text once what was found at the place says nothing of it any more: its node was made anew or leads elsewhere, or its
 * inbound or its groups came anew.
 */
export function versionOfPlace({ of, inbound }: Place): string {
  return [of.address, of.createdAt, inbound.tag, inbound.regroupedAt].join(" ");
}

/** The places of a node in the order of its inbounds. */
export function placesOf(of: FleetNode): readonly [Place, ...Place[]] {
  const [first, ...more] = inboundsOf(of);
  const place = (inbound: NodeInbound, name: string): Place => {
    return { name, of, inbound, groups: groupsOfInbound(of, inbound) };
  };
  return [place(first, of.name), ...more.map((inbound) => place(inbound, nameBeside(of.name, inbound.tag)))];
}

/** In no name of a node. */
const INBOUND_SEPARATOR = "/";

/** What is kept of a node's further inbound has this name, beside that of what is kept of the node. */
export function nameBeside(node: string, tag: string): string {
  return `${node}${INBOUND_SEPARATOR}${tagText(tag)}`;
}

/** The name of a place's node, and of whatever else {@link nameBeside} names. */
export function nodeOfPlace(place: string): string {
  const [node = place] = place.split(INBOUND_SEPARATOR);
  return node;
}

/** The places that workers fill with users and keep so. */
export function servingPlaces(fleet: Pick<Fleet, "nodes">): Place[] {
  return servingNodes(fleet).flatMap(placesOf);
}

/** Whether what is open for a place does for the same place as it is now. */
export function isSamePlace(one: Place, other: Place): boolean {
  return (
    isSameNode(one.of, other.of) &&
    one.inbound.tag === other.inbound.tag &&
    isSameKind(one.inbound, other.inbound) &&
    one.inbound.shortId === other.inbound.shortId
  );
}

/** An inbound that leaves holds nobody any more: it goes. @returns null when there is nothing to change */
export function inboundGone({ nodes }: Pick<Fleet, "nodes">, place: string): FleetUpdate | null {
  return withInbounds(nodes, place, (inbound) => (inbound.isLeaving ? [] : null));
}

/** An inbound that came to a node has its users: links show it. @returns null when there is nothing to change */
export function inboundFilled({ nodes }: Pick<Fleet, "nodes">, place: string): FleetUpdate | null {
  return withInbounds(nodes, place, (inbound) => (inbound.isUnfilled ? [{ ...inbound, isUnfilled: false }] : null));
}

/** @param become what stands in the place of an inbound; null where it stays */
function withInbounds(
  nodes: readonly FleetNode[],
  place: string,
  become: (inbound: NodeInbound) => readonly NodeInbound[] | null,
): FleetUpdate | null {
  const found = nodes.flatMap(placesOf).find(({ name }) => name === place);
  const next = found === undefined ? null : become(found.inbound);
  if (found === undefined || next === null) return null;
  const { of, inbound } = found;
  const inbounds = of.inbounds.flatMap((one) => (one === inbound ? next : [one]));
  return { nodes: nodes.map((node) => (node === of ? { ...node, inbounds } : node)) };
}

/** A tag as it stands in the names of fields of a document, and in paths: no dot, no dollar, no slash, no blank. */
export function tagText(tag: string): string {
  return tag.replace(/[^A-Za-z0-9_-]/gu, (character) => `~${character.codePointAt(0)?.toString(16) ?? ""}~`);
}
