import type { RememberedJobs } from "@veil/idempotency";
import type { FleetEvent } from "./fleet-event.ts";
import type { FleetHost } from "./hosts.ts";
import type { NodeInbound } from "./inbounds.ts";

/**
 * - `joining`: it is being filled with users; links don't show it yet
 * - `active`: links show it
 * - `draining`: links don't show it any more; it keeps its users, and is read on
 * - `disabled`: it is on its way out: no users are added, its bytes are still read
 * - `gone`: it is out. Kept only of a node that the environment lists, so that no start brings it back, and of one that discovery
 *   finds, so that discovery doesn't.
 */
export type NodeState = "joining" | "active" | "draining" | "disabled" | "gone";

/** What links say of a node, where it differs from the installation's settings; null where it does not. */
export interface NodeLink {
  readonly host: string | null;
  readonly port: number | null;
  readonly publicKey: string | null;
  readonly shortId: string | null;
  readonly sni: string | null;
}

/**
 * Mutual TLS to a node's gRPC port. The files stand in the folder of certificates of every worker and collector: keys travel
 * neither through the API nor through Redis or MongoDB.
 */
export interface NodeTls {
  /** Whose certificates are trusted. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The name in the node's certificate; null for the host of its address. */
  readonly serverName: string | null;
}

/** What callers and the environment may say of a node. */
export interface NodeFields extends NodeLink {
  /** `host:port` of its gRPC API. */
  readonly address: string;
  /** Tag of its first inbound. */
  readonly inboundTag: string;
  /** Null for plaintext. */
  readonly tls: NodeTls | null;
  /** Which keys it holds: those that are in one of these groups as well. */
  readonly groups: readonly string[];
}

/** The groups of a node for which none are named. */
export const DEFAULT_NODE_GROUPS: readonly string[] = ["default"];

/** What a byte counts as on a node of which nothing else is said. */
export const DEFAULT_MULTIPLIER = 1;

/** The names of {@link NodeFields}. */
export const NODE_FIELDS = [
  "address",
  "inboundTag",
  "tls",
  "host",
  "port",
  "publicKey",
  "shortId",
  "sni",
  "groups",
] as const satisfies readonly (keyof NodeFields)[];

/** What a node has that an API call may have changed for good. */
export const FIXABLE_FIELDS = [...NODE_FIELDS, "note", "multiplier"] as const satisfies readonly (keyof FleetNode)[];
export type FixableField = (typeof FIXABLE_FIELDS)[number];

/** The notes of discovery on a node that it made. */
export interface NodeDiscovery {
  /** The Service whose endpoint it is: `namespace/name`. */
  readonly service: string;
  /** Since when that endpoint is not ready or not there; null while it is ready. Milliseconds since the epoch, by the clock that was ahead then. */
  readonly awaySince: number | null;
  /** Since when it is not there at all; null while it is. As {@link awaySince}. */
  readonly goneSince: number | null;
  /** Discovery drained it while it was away, and shows it again. */
  readonly isDrained: boolean;
}

/** One Xray node. Its name is its own for as long as it is not gone. */
export interface FleetNode extends NodeFields, RememberedJobs {
  readonly name: string;
  /** Empty where there is one of which only the tag is said; `inboundsOf` has it then as well. */
  readonly inbounds: readonly NodeInbound[];
  /** The inbounds as they are stored, where a newer version wrote what this one does not understand: it stays. */
  readonly storedInbounds?: readonly unknown[];
  readonly state: NodeState;
  /** When that state began. Milliseconds since the epoch. */
  readonly since: number;
  /** Whether it drains and has not been filled with users where it is: shown again, it is filled first. */
  readonly isUnfilled: boolean;
  /** When its groups changed last, or 0. Milliseconds since the epoch. */
  readonly regroupedAt: number;
  /** Those that it was in before that. */
  readonly formerGroups: readonly string[];
  readonly note: string | null;
  /** What a byte that keys move on it counts as, from when it is set on: from 0 to 100, in steps of 0.1. */
  readonly multiplier: number;
  /** Whether the environment lists it, or an API call made it. */
  readonly origin: "environment" | "api";
  /** Null of a node that a caller or the environment named. */
  readonly discovery: NodeDiscovery | null;
  /** Fields that an API call changed: what the environment or, of a node that it made, discovery says of them is not followed any more. */
  readonly fixed: readonly FixableField[];
  /** Its place among all: those of the environment come first, in their order. */
  readonly position: number;
  /** Unix seconds. */
  readonly createdAt: number;
}

/** All nodes, in their order, as of one moment. */
export interface Fleet {
  /** Goes up with each change. */
  readonly revision: number;
  readonly nodes: readonly FleetNode[];
  /** What API calls decided about hosts, in no order; `hostsOf` has all that there are. */
  readonly hosts: readonly FleetHost[];
  /** Names of nodes and ids of hosts that can't be read, as a newer version wrote them: they stay as they are. None when left out. */
  readonly unreadable?: { readonly nodes: readonly string[]; readonly hosts: readonly string[] };
}

/** What becomes of a fleet, and what is to be reported of it. */
export interface FleetUpdate {
  /** Left out when the nodes stay as they are stored. */
  readonly nodes?: readonly FleetNode[];
  /** Left out when the hosts stay as they are stored. */
  readonly hosts?: readonly FleetHost[];
  /** Born with the change, or not at all. */
  readonly events?: readonly FleetEvent[];
}

/** The nodes that workers fill with users and keep so. */
export function servingNodes({ nodes }: Pick<Fleet, "nodes">): FleetNode[] {
  return nodes.filter(({ state }) => state === "joining" || state === "active" || state === "draining");
}

/** The nodes whose bytes collectors read. */
export function meteredNodes({ nodes }: Pick<Fleet, "nodes">): FleetNode[] {
  return nodes.filter(({ state }) => state !== "gone");
}

/** Nodes in their order. */
export function inOrder(nodes: readonly FleetNode[]): FleetNode[] {
  return nodes.toSorted(
    (a, b) => a.position - b.position || a.createdAt - b.createdAt || (a.name < b.name ? -1 : Number(a.name > b.name)),
  );
}

/** Whether what is open for a node does for the same node as it is now. */
export function isSameNode(one: FleetNode, other: FleetNode): boolean {
  return (
    isSameAddress(one.address, other.address) &&
    one.inboundTag === other.inboundTag &&
    isSameField("tls", one, other) &&
    one.shortId === other.shortId &&
    one.createdAt === other.createdAt
  );
}

/**
 * Whether it is said which name a node's certificate has: a TLS client can't ask for an IP address, so that one needs
 * `serverName`.
 */
export function isNamedForTls({ address, tls }: Pick<NodeFields, "address" | "tls">): boolean {
  return tls === null || tls.serverName !== null || !/^(?:[\d.]+|\[.*\]):\d+$/.test(address);
}

/** Whether two addresses are one, in whichever case and spelling. */
export function isSameAddress(one: string, other: string): boolean {
  return spelledOut(one) === spelledOut(other);
}

/** Each decision compares an address with those of all nodes, which parsed anew cost milliseconds. */
const spellings = new Map<string, string>();
const MOST_SPELLINGS = 4_096;

function spelledOut(address: string): string {
  const known = spellings.get(address);
  if (known !== undefined) return known;
  if (spellings.size >= MOST_SPELLINGS) spellings.clear();
  const spelling = parsedAddress(address);
  spellings.set(address, spelling);
  return spelling;
}

function parsedAddress(address: string): string {
  const end = address.lastIndexOf(":");
  const host = address.slice(0, end).toLowerCase().replace(/\.$/, "");
  const url = `http://${host}/`;
  // Of the ways to write an IPv6 address it knows one.
  return `${URL.canParse(url) ? new URL(url).hostname : host}:${Number(address.slice(end + 1))}`;
}

/** Whether a field of two nodes says the same. */
export function isSameField(field: FixableField, one: FixableFields, other: FixableFields): boolean {
  if (field === "groups") return isSameGroups(one.groups ?? [], other.groups ?? []);
  return JSON.stringify(one[field]) === JSON.stringify(other[field]);
}

type FixableFields = Partial<Pick<FleetNode, FixableField>>;

/** Whether a node of this name is there that only a newer version can read. */
export function isUnreadableNode({ unreadable }: Pick<Fleet, "unreadable">, name: string): boolean {
  return unreadable?.nodes.includes(name) === true;
}

/** Whether two lists name the same groups, in whichever order. */
export function isSameGroups(one: readonly string[], other: readonly string[]): boolean {
  const [all, others] = [new Set(one), new Set(other)];
  return all.size === others.size && [...all].every((group) => others.has(group));
}
