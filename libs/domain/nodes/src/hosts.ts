import type { Fleet, FleetNode, NodeLink } from "./fleet.ts";

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
export interface FleetHost extends HostFields {
  readonly id: string;
  /** Name of the node that it leads to. */
  readonly node: string;
  /** Its place among hosts that API calls made: they come after those of the nodes. */
  readonly position: number;
  /** Unix seconds, at least those of the node: it belongs to no other node of the same name. */
  readonly createdAt: number;
  /** Ids of the jobs that changed it last. */
  readonly jobs: readonly string[];
}

/** A host with the node that it leads to. */
export interface NodeHost extends FleetHost {
  readonly of: FleetNode;
  /** Whether it is the one that comes with its node. */
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

/** The id of the host that comes with a node. */
export function ownHostId(node: string): string {
  return `${OWN}${node}`;
}

/** Whether a host of this id comes with its node. */
export function isOwnHostId(id: string): boolean {
  return id.startsWith(OWN);
}

/**
 * All hosts that there are: one for each node, and those that API calls made of nodes that are not gone. By `order`; among
 * equals those of the nodes come first, in the order of the nodes.
 */
export function hostsOf({ nodes, hosts }: Pick<Fleet, "nodes" | "hosts">): readonly NodeHost[] {
  const present = new Map(nodes.filter(({ state }) => state !== "gone").map((node) => [node.name, node]));
  const stored = hosts.flatMap((host) => {
    const of = present.get(host.node);
    return of === undefined || host.createdAt < of.createdAt ? [] : { ...host, of, isOwn: isOwnHostId(host.id) };
  });
  const changed = new Map(stored.map((host) => [host.id, host]));
  const own = [...present.values()].map((of) => changed.get(ownHostId(of.name)) ?? unchanged(of));
  const made = stored
    .filter(({ isOwn }) => !isOwn)
    .toSorted((a, b) => a.position - b.position || (a.id < b.id ? -1 : 1));
  return [...own, ...made].toSorted((a, b) => a.order - b.order);
}

function unchanged(of: FleetNode): NodeHost {
  const { name: node, createdAt } = of;
  return { ...PLAIN_HOST, id: ownHostId(node), node, position: 0, createdAt, jobs: [], of, isOwn: true };
}

/** Which groups of keys are shown a host. */
export function groupsOfHost({ groups, of }: Pick<NodeHost, "groups" | "of">): readonly string[] {
  return groups ?? of.groups;
}

/** Whether its node has the inbound that it names. */
export function hasInbound({ inbound, of }: Pick<NodeHost, "inbound" | "of">): boolean {
  return inbound === null || inbound === of.inboundTag;
}

/** What links to a host say where that is not left to the installation; null where it is. */
export function hostLink({ address, port, sni, of }: NodeHost): NodeLink {
  return {
    host: address ?? of.host,
    port: port ?? of.port,
    publicKey: of.publicKey,
    shortId: of.shortId,
    sni: sni ?? of.sni,
  };
}
