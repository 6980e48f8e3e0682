import type { RememberedJobs } from "@veil/idempotency";
import { type Fleet, type FleetNode, type FleetUpdate, isUnreadableNode, type NodeLink } from "./fleet.ts";
import { type Place, placesOf, tagText } from "./places.ts";

/** What callers may say of a host. Null is what its node says, or else the installation. */
export interface HostFields {
  /** Tag of the inbound that it leads to; null for the node's first one, whatever its tag. */
  readonly inbound: string | null;
  /** What clients call it, with placeholders; null for the key's name, behind the first one with the node's. */
  readonly remark: string | null;
  /** What clients dial: a host name or an IP address, IPv6 with or without brackets. */
  readonly address: string | null;
  readonly port: number | null;
  readonly sni: string | null;
  readonly fingerprint: string | null;
  /** Application protocols that clients offer, the preferred one first; null for those of the fingerprint. */
  readonly alpn: readonly string[] | null;
  /** Where the inbound's transport has one. */
  readonly path: string | null;
  /** Hosts stand in ascending order of it. */
  readonly order: number;
  /** Among hosts of one order that have a weight: how often this one comes first. Null for one that keeps its place before them. */
  readonly weight: number | null;
  /** Which keys are shown it; null for its node's. */
  readonly groups: readonly string[] | null;
  readonly hidden: boolean;
}

/** A host as an API call left it. */
export interface FleetHost extends HostFields, RememberedJobs {
  readonly id: string;
  /** Name of the node that it leads to. */
  readonly node: string;
  /** Its place among hosts that API calls made: they come after those of the nodes. */
  readonly position: number;
  /** Unix seconds, at least those of the node: it belongs to no other node of the same name. */
  readonly createdAt: number;
}

/** A host with the node that it leads to. */
export interface NodeHost extends FleetHost {
  readonly of: FleetNode;
  /** The place that it leads to; null where its node has no such inbound. */
  readonly at: Place | null;
  /** Whether it is one that comes with its node: one does for each inbound. */
  readonly isOwn: boolean;
}

/** Most hosts that API calls make. */
export const MOST_HOSTS = 500;

const OWN = "n_";

/** A host that says nothing by itself. */
export const PLAIN_HOST: HostFields = {
  inbound: null,
  remark: null,
  address: null,
  port: null,
  sni: null,
  fingerprint: null,
  alpn: null,
  path: null,
  order: 0,
  weight: null,
  groups: null,
  hidden: false,
};

/** The id of the host that comes with an inbound of a node. */
export function ownHostId({ name, of, inbound }: Pick<Place, "name" | "of" | "inbound">): string {
  // No node has an underscore in its name.
  return name === of.name ? `${OWN}${name}` : `${OWN}${of.name}_${tagText(inbound.tag)}`;
}

/** Whether a host of this id comes with its node. */
export function isOwnHostId(id: string): boolean {
  return id.startsWith(OWN);
}

/**
 * All hosts that there are: one for each inbound, and those that API calls made of nodes that are not gone. By `order`; among
 * equals those of the inbounds come first, in the order of the nodes.
 */
export function hostsOf({ nodes, hosts }: Pick<Fleet, "nodes" | "hosts">): readonly NodeHost[] {
  const present = new Map(nodes.filter(({ state }) => state !== "gone").map((node) => [node.name, node]));
  const stored = hosts.flatMap((host): NodeHost[] => {
    const of = present.get(host.node);
    if (of === undefined || host.createdAt < of.createdAt) return [];
    return [{ ...host, of, at: placeOf(of, host), isOwn: isOwnHostId(host.id) }];
  });
  const changed = new Map(stored.map((host) => [host.id, host]));
  const own = [...present.values()]
    .flatMap(stayingPlaces)
    .map((place) => changed.get(ownHostId(place)) ?? unchanged(place));
  const made = stored
    .filter(({ isOwn }) => !isOwn)
    .toSorted((a, b) => a.position - b.position || (a.id < b.id ? -1 : 1));
  return [...own, ...made].toSorted((a, b) => a.order - b.order);
}

/**
 * Nodes that take the place of those of a fleet. What is stored of the hosts of nodes that are not among them goes by the same
 * write: nobody sees it any more. Those of a node that only a newer version can read stay.
 */
export function withoutTheirHosts(
  fleet: Pick<Fleet, "hosts" | "unreadable">,
  nodes: readonly FleetNode[],
): FleetUpdate {
  const present = new Map(nodes.filter(({ state }) => state !== "gone").map((node) => [node.name, node]));
  const stays = ({ node, createdAt }: FleetHost) =>
    isUnreadableNode(fleet, node) || createdAt >= (present.get(node)?.createdAt ?? Infinity);
  const left = fleet.hosts.filter(stays);
  return left.length < fleet.hosts.length ? { nodes, hosts: left } : { nodes };
}

function unchanged(at: Place): NodeHost {
  const { name: node, createdAt } = at.of;
  const inbound = at.name === node ? null : at.inbound.tag;
  const id = ownHostId(at);
  return { ...PLAIN_HOST, id, node, inbound, position: 0, createdAt, jobs: [], of: at.of, at, isOwn: true };
}

function stayingPlaces(node: FleetNode): readonly Place[] {
  return placesOf(node).filter(({ inbound }) => !inbound.isLeaving);
}

/** The place of a node that a host leads to; null where the node has no such inbound. */
export function placeOf(node: FleetNode, { inbound }: Pick<HostFields, "inbound">): Place | null {
  const places = stayingPlaces(node);
  return (inbound === null ? places[0] : places.find((place) => place.inbound.tag === inbound)) ?? null;
}

/** What links to a host say where that is not left to the installation; null where it is. */
export function hostLink({ address, port, sni, of, at }: NodeHost): NodeLink {
  const inbound = at?.inbound;
  return {
    host: address ?? of.host,
    port: port ?? inbound?.port ?? of.port,
    publicKey: inbound?.publicKey ?? of.publicKey,
    shortId: inbound?.shortId ?? of.shortId,
    sni: sni ?? inbound?.sni ?? of.sni,
  };
}
