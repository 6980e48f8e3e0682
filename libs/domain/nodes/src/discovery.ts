import { SYSTEM } from "@veil/events";
import {
  type ChangeStamp,
  changed,
  type FleetChange,
  movedTo,
  type NewNode,
  type NodeChange,
  nodeOf,
  shownState,
} from "./change-fleet.ts";
import { drainedEvent } from "./fleet-event.ts";
import type { FoundNode } from "./found-nodes.ts";
import { type InboundFields, inboundsOf, PLAIN_INBOUND } from "./inbounds.ts";
import {
  type Fleet,
  type FleetNode,
  type FleetUpdate,
  isSameAddress,
  isSameField,
  type NodeDiscovery,
} from "./fleet.ts";

/** A node that is found, but for its name and its address. */
export type NodeTemplate = Omit<NewNode, "name" | "address">;

export interface DiscoveryRules {
  /** Whose endpoints are nodes: `namespace/name`. Nodes of other ones, and those that somebody named, are left alone. */
  readonly service: string;
  readonly template: NodeTemplate;
  /** The host that clients dial, with `{node}` for a node's name and `{address}` for its address without the port; null for the template's. */
  readonly hostPattern: string | null;
  /** A node is drained when it has been away for so long. Milliseconds. */
  readonly drainAfterMs: number;
  /**
   * A node is taken out when it has been gone for so long; one whose address another endpoint has by then, when it is time to drain
   * it. Milliseconds.
   */
  readonly deleteAfterMs: number;
}

/** The result of a look at the endpoints, by the names of nodes. */
export type FoundNodes = ReadonlyMap<string, FoundNode>;

/**
 * When a look is made, by two clocks, either of which may be set wrong; milliseconds since the epoch. How long a node is away is
 * measured from the later one to the earlier one, so that neither has it taken out before its time.
 */
export interface LookTime {
  /** By the clock that all processes share. */
  readonly now: number;
  readonly earliest: number;
  readonly latest: number;
}

/** The fields of the template that are followed one by one. */
const FOLLOWED = ["tls", "host", "port", "publicKey", "shortId", "sni", "groups", "note", "multiplier"] as const;

/** Changes of nodes that have to be asked about first. */
export interface DiscoverySteps {
  readonly enter: readonly NewNode[];
  readonly change: readonly { readonly name: string; readonly change: NodeChange }[];
  /** Names of nodes. */
  readonly retire: readonly string[];
}

/**
 * Whether so many nodes are away at once that it is likelier not to be true of them: their Service is another one now, or nobody
 * hears from their machines. Then none is drained or taken out, and time begins anew for each that is still away afterwards.
 */
export function isBraked(fleet: Pick<Fleet, "nodes">, found: FoundNodes, { service }: DiscoveryRules): boolean {
  const ours = discoveredNodes(fleet, service).filter(({ state }) => state !== "gone");
  return 2 * ours.filter(({ name }) => !isReady(found.get(name))).length > ours.length;
}

/**
 * Notes since when nodes of a Service are away, drains those for which that lasts, and shows them again when
 * they are back. Those that are found at each other's addresses change places. One that a caller has drained or shown since stays as that one wanted it.
 *
 * @returns null when there is nothing to change
 */
export function discovered(fleet: Fleet, found: FoundNodes, rules: DiscoveryRules, time: LookTime): FleetUpdate | null {
  const { now } = time;
  const braked = isBraked(fleet, found, rules);
  const moves = exchangedAddresses(discoveredNodes(fleet, rules.service), found);
  const nodes = fleet.nodes.flatMap((stored): FleetNode[] => {
    if (!isOf(stored, rules.service)) return [stored];
    const move = moves.get(stored.name);
    const node = move === undefined ? stored : { ...movedTo(stored, move, now), discovery: stored.discovery };
    const its = found.get(node.name);
    const next = braked ? untimed(node) : timed(node, its, time);
    if (next.state === "gone") return isOver(next.discovery.goneSince, rules.deleteAfterMs, time) ? [] : [next];
    return [isReady(its) ? shown(next, its, now) : drainedIfLong(next, rules, time)];
  });
  if (nodes.length === fleet.nodes.length && nodes.every((node, index) => node === fleet.nodes[index])) return null;
  const stamp = { revision: fleet.revision + 1, at: Math.floor(now / 1_000), actor: SYSTEM };
  const drained = nodes.filter(({ name, state }) => state === "draining" && nodeOf(fleet, name)?.state !== "draining");
  const events = drained.map(({ name }) => drainedEvent(name, stamp));
  return { nodes, ...(events.length > 0 && { events }) };
}

/** The changes beside that: they take calls to nodes. */
export function discoverySteps(
  fleet: Fleet,
  found: FoundNodes,
  rules: DiscoveryRules,
  time: Pick<LookTime, "earliest">,
): DiscoverySteps {
  const { service, drainAfterMs, deleteAfterMs } = rules;
  const ours = discoveredNodes(fleet, service);
  const names = new Set(ours.map(({ name }) => name));
  const enter = [...found].flatMap(([name, { addresses }]) => {
    const [address] = addresses;
    return address === undefined || names.has(name) ? [] : [{ ...templateOf(name, address, rules), name, address }];
  });
  const serving = ours.filter(isFollowed);
  const change = serving.flatMap((node) => {
    const wanted = differing(node, found.get(node.name), rules);
    return Object.keys(wanted).length === 0 ? [] : [{ name: node.name, change: wanted }];
  });
  const retired = ours.filter((node) => {
    const { state, discovery } = node;
    // Its address leads to another machine: that one can't be entered while the address is this node's.
    const afterMs = isReplaced(node, found) ? Math.min(drainAfterMs, deleteAfterMs) : deleteAfterMs;
    return state !== "gone" && isOver(discovery.goneSince, afterMs, time);
  });
  const retire = isBraked(fleet, found, rules) ? [] : retired.map(({ name }) => name);
  return { enter, change, retire };
}

/** Changes a node as {@link changed} does, so that what is found next is followed all the same. */
export function changedAsFound(fleet: Fleet, name: string, change: NodeChange, stamp: ChangeStamp): FleetChange {
  const before = nodeOf(fleet, name);
  const end = changed(fleet, name, change, stamp);
  if (before === null || end.outcome !== "changed" || end.nodes === undefined) return end;
  return { ...end, nodes: end.nodes.map((node) => (node.name === name ? { ...node, fixed: before.fixed } : node)) };
}

type DiscoveredNode = FleetNode & { readonly discovery: NodeDiscovery };

function discoveredNodes({ nodes }: Pick<Fleet, "nodes">, service: string): DiscoveredNode[] {
  return nodes.filter((node) => isOf(node, service));
}

function isOf(node: FleetNode, service: string): node is DiscoveredNode {
  return node.discovery?.service === service;
}

function isReady(found: FoundNode | undefined): boolean {
  return found !== undefined && found.addresses.length > 0;
}

/** A node with the moments since when it is away and gone. */
function timed(
  node: DiscoveredNode,
  found: FoundNode | undefined,
  { latest }: Pick<LookTime, "latest">,
): DiscoveredNode {
  const { awaySince, goneSince } = node.discovery;
  // One that lies ahead was noted by a clock that was ahead.
  const since = (noted: number | null) => Math.min(noted ?? latest, latest);
  return withTimes(node, isReady(found) ? null : since(awaySince), found !== undefined ? null : since(goneSince));
}

/** Stored, so that also a worker that looks next and saw nothing of the brake begins anew. */
function untimed(node: DiscoveredNode): DiscoveredNode {
  return withTimes(node, null, null);
}

function withTimes(node: DiscoveredNode, awaySince: number | null, goneSince: number | null): DiscoveredNode {
  const { discovery } = node;
  if (awaySince === discovery.awaySince && goneSince === discovery.goneSince) return node;
  return { ...node, discovery: { ...discovery, awaySince, goneSince } };
}

/** A node whose endpoint is ready: discovery takes back what it did. */
function shown(node: DiscoveredNode, found: FoundNode | undefined, since: number): FleetNode {
  const { state, discovery } = node;
  if (!discovery.isDrained || !isWhereItIsFound(node, found)) return node;
  const next = { ...node, discovery: { ...discovery, isDrained: false } };
  // Also one that was being taken out when a worker died.
  const isToShow = state === "draining" || state === "disabled";
  return isToShow ? { ...next, state: shownState(node), since, isUnfilled: false } : next;
}

function drainedIfLong(node: DiscoveredNode, { drainAfterMs }: DiscoveryRules, time: LookTime): FleetNode {
  const { state, discovery } = node;
  const isShown = state === "active" || state === "joining";
  if (!isShown || discovery.isDrained || !isOver(discovery.awaySince, drainAfterMs, time)) return node;
  const isUnfilled = state === "joining";
  return { ...node, state: "draining", since: time.now, isUnfilled, discovery: { ...discovery, isDrained: true } };
}

function isOver(began: number | null, afterMs: number, { earliest }: Pick<LookTime, "earliest">): boolean {
  return began !== null && earliest - began >= afterMs;
}

function isWhereItIsFound({ address, fixed }: FleetNode, found: FoundNode | undefined): boolean {
  return fixed.includes("address") || found?.addresses.some((other) => isSameAddress(other, address)) === true;
}

/** Whether the endpoint of another node has the address of one that is not found. */
function isReplaced({ name, address, fixed }: FleetNode, found: FoundNodes): boolean {
  if (found.has(name) || fixed.includes("address")) return false;
  return [...found.values()].some(({ addresses }) => addresses.some((other) => isSameAddress(other, address)));
}

/**
 * The new addresses of nodes each of which is found at another one's, in a ring. One by one none of them could follow, as its new
 * address is taken and its users would stay behind; together they leave no Xray alone and share none.
 */
function exchangedAddresses(ours: readonly DiscoveredNode[], found: FoundNodes): ReadonlyMap<string, string> {
  const nexts = new Map<DiscoveredNode, { readonly holder: DiscoveredNode; readonly address: string }>();
  for (const node of ours) {
    const its = found.get(node.name);
    const [address] = its?.addresses ?? [];
    if (address === undefined || !isFollowed(node) || isWhereItIsFound(node, its)) continue;
    const holder = ours.find((other) => isFollowed(other) && isSameAddress(other.address, address));
    if (holder !== undefined && isSameField("tls", node, holder)) nexts.set(node, { holder, address });
  }
  const moves = new Map<string, string>();
  for (const [first, next] of nexts) {
    const seen = new Set<DiscoveredNode>();
    let at: DiscoveredNode | undefined = first;
    while (at !== undefined && !seen.has(at)) {
      seen.add(at);
      at = nexts.get(at)?.holder;
    }
    if (at === first) moves.set(first.name, next.address);
  }
  return moves;
}

function isFollowed({ state }: FleetNode): boolean {
  return state !== "gone" && state !== "disabled";
}

/** The fields in which a node is to differ from now on: none that a caller has changed. */
function differing(node: FleetNode, found: FoundNode | undefined, rules: DiscoveryRules): NodeChange {
  const [address] = isWhereItIsFound(node, found) ? [] : (found?.addresses ?? []);
  const template = templateOf(node.name, address ?? node.address, rules);
  const wanted = { ...template, address: node.address };
  const fields = FOLLOWED.filter((field) => !node.fixed.includes(field) && !isSameField(field, wanted, node));
  const hasOtherInbounds =
    !node.fixed.includes("inboundTag") && said(inboundsOf(node)) !== said(inboundsOfTemplate(template));
  return {
    ...Object.fromEntries(fields.map((field) => [field, template[field]])),
    ...(hasOtherInbounds && { inboundTag: template.inboundTag, inbounds: inboundsOfTemplate(template) }),
    ...(address !== undefined && { address }),
  };
}

function templateOf(node: string, address: string, { template, hostPattern }: DiscoveryRules): NodeTemplate {
  if (hostPattern === null) return template;
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  return { ...template, host: hostPattern.replaceAll("{node}", node).replaceAll("{address}", host) };
}

function inboundsOfTemplate({ inbounds, inboundTag }: NodeTemplate): readonly InboundFields[] {
  return inbounds.length > 0 ? inbounds : [{ tag: inboundTag, ...PLAIN_INBOUND }];
}

function said(inbounds: readonly (InboundFields & { readonly isLeaving?: boolean })[]): string {
  const staying = inbounds.filter(({ isLeaving }) => isLeaving !== true);
  return JSON.stringify(
    staying.map(({ tag, protocol, transport, path, serverKey, encryption, port, publicKey, shortId, sni, groups }) => {
      return { tag, protocol, transport, path, serverKey, encryption, port, publicKey, shortId, sni, groups };
    }),
  );
}
