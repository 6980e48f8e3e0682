import type { Actor, EventHints } from "@veil/events";
import { knowsWriteOf, remember } from "@veil/idempotency";
import { changeTogether, type FleetDecision } from "./change-together.ts";
import { drainedEvent } from "./fleet-event.ts";
import { FLEET_TOO_LARGE, hasRoomFor, MOST_NODES } from "./fleet-limits.ts";
import { changedInbounds, enteredInbounds, type InboundFields, inboundsFault, PLAIN_INBOUND } from "./inbounds.ts";
import {
  type Fleet,
  type FleetNode,
  type FleetUpdate,
  isNamedForTls,
  isSameAddress,
  isSameGroups,
  isUnreadableNode,
  FIXABLE_FIELDS,
  NODE_FIELDS,
  type NodeFields,
  type NodeState,
} from "./fleet.ts";
import { withoutTheirHosts } from "./hosts.ts";
import type { FleetStore } from "./ports.ts";

/**
 * Changes the fleet, whoever else changes it at the same time: on what is stored when the change is.
 *
 * @param hints asked before events are born
 * @returns whether anything was changed
 * @throws {StoreUnavailableError} when the store is away; it may have been changed
 */
export async function changeFleet(store: FleetStore, change: FleetDecision, hints: EventHints): Promise<boolean> {
  const [isChanged = false] = await changeTogether(store, [change], hints);
  return isChanged;
}

/** A node as a caller asks for it. */
export interface NewNode extends NodeFields {
  readonly name: string;
  readonly note: string | null;
  readonly multiplier: number;
  /** The first one has the tag of {@link NodeFields}; none where that tag is all that is said. */
  readonly inbounds: readonly InboundFields[];
}

/** What a caller wants to be different about a node. */
export type NodeChange = Partial<NodeFields & Pick<NewNode, "note" | "multiplier" | "inbounds">>;

/** What became of a change of one node or host. */
export type FleetChange =
  | ({ readonly outcome: "changed" } & FleetUpdate)
  /** The write did it before: in another delivery or attempt. */
  | { readonly outcome: "done" }
  | { readonly outcome: "not-found" }
  /** Something else has what it is to have, or is in its way. */
  | { readonly outcome: "taken"; readonly detail: string }
  /** It makes no sense for what there is. */
  | { readonly outcome: "refused"; readonly detail: string };

/** Who changes a node, and when. */
export interface ChangeStamp {
  /** Id of the job. */
  readonly job: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Nodes that API calls made come after those of the environment. */
const AFTER_LISTED = 1_000_000;
const SERVER_NAME_MISSING: FleetChange = {
  outcome: "refused",
  detail: "tls needs server_name, the name in the node's certificate, where address is an IP address",
};

/** The node of this name, unless it is gone. */
export function nodeOf({ nodes }: Pick<Fleet, "nodes">, name: string): FleetNode | null {
  return nodes.find((node) => node.name === name && node.state !== "gone") ?? null;
}

/**
 * Enters a node: it is filled first.
 *
 * @param service the Service of which it is an endpoint, `namespace/name`; null for a node that nobody found
 */
export function entered(
  fleet: Fleet,
  node: NewNode,
  { job, now }: ChangeStamp,
  service: string | null = null,
): FleetChange {
  const { nodes, hosts } = fleet;
  const present = nodeOf({ nodes }, node.name);
  if (present !== null && knowsWriteOf(present, job, now)) return { outcome: "done" };
  if (present !== null || isUnreadableNode(fleet, node.name))
    return { outcome: "taken", detail: `the name ${node.name} is taken` };
  const holder = holderOf(nodes, node.address, node.name);
  if (holder !== null) return addressTaken(node.address, holder);
  if (!isNamedForTls(node)) return SERVER_NAME_MISSING;
  const fault = inboundsFault(node.inbounds);
  if (fault !== null) return { outcome: "refused", detail: fault };
  const others = nodes.filter(({ name }) => name !== node.name);
  if (others.length >= MOST_NODES)
    return { outcome: "taken", detail: `there are ${MOST_NODES} nodes already: delete one first` };
  const made: FleetNode = {
    ...node,
    inbounds: enteredInbounds(node.inbounds),
    state: "joining",
    since: now,
    isUnfilled: false,
    regroupedAt: 0,
    formerGroups: [],
    origin: "api",
    discovery: service === null ? null : { service, awaySince: null, goneSince: null, isDrained: false },
    fixed: [],
    position: AFTER_LISTED,
    createdAt: Math.floor(now / 1_000),
    ...remember({ jobs: [] }, job, now),
  };
  return ifItFits(fleet, {
    outcome: "changed",
    nodes: [...others, made],
    // Those of an earlier node of this name, which went within this second, are as old as this one.
    ...(hosts.some((host) => host.node === node.name) && { hosts: hosts.filter((host) => host.node !== node.name) }),
  });
}

/** A change of a fleet that has room for it. */
export function ifItFits(fleet: Fleet, change: Extract<FleetChange, { readonly outcome: "changed" }>): FleetChange {
  return hasRoomFor(fleet, change) ? change : { outcome: "taken", detail: FLEET_TOO_LARGE };
}

/** Changes what a node is. One that is found elsewhere now is filled there first. */
export function changed(fleet: Fleet, name: string, change: NodeChange, { job, now }: ChangeStamp): FleetChange {
  const node = nodeOf(fleet, name);
  if (node === null) return { outcome: "not-found" };
  if (knowsWriteOf(node, job, now)) return { outcome: "done" };
  const { note: _, inbounds, ...fields } = change;
  const { address = node.address } = fields;
  const holder = holderOf(fleet.nodes, address, name);
  if (holder !== null) return addressTaken(address, holder, CHANGE_PLACES);
  // The environment says nothing of the others, which keep no node that it lists no more.
  const fixable = node.discovery === null ? NODE_FIELDS : FIXABLE_FIELDS;
  const fixed = [...new Set([...node.fixed, ...fixable.filter((field) => change[field] !== undefined)])];
  const isRegrouped = fields.groups !== undefined && !isSameGroups(fields.groups, node.groups);
  const moved: FleetNode = {
    ...movedTo(node, address, now),
    ...change,
    inbounds: node.inbounds,
    fixed,
    ...(isRegrouped && { regroupedAt: now, formerGroups: node.groups }),
  };
  // Whoever knows of one inbound alone means that one by its tag.
  const named = fields.inboundTag === undefined ? null : [{ tag: fields.inboundTag, ...PLAIN_INBOUND }];
  const made = changedInbounds(node, inbounds ?? named, moved, now);
  if (typeof made === "string") return { outcome: "refused", detail: made };
  const after = { ...moved, inbounds: made };
  return isNamedForTls(after) ? ifItFits(fleet, replaced(fleet, node, after, { job, now })) : SERVER_NAME_MISSING;
}

/**
 * Takes a node out of links, which is an event, or shows it again: one that was on its way out is filled first.
 *
 * @param actor who asked for it
 */
export function drained(
  fleet: Fleet,
  name: string,
  isDrained: boolean,
  { job, now, actor }: ChangeStamp & { readonly actor: Actor },
): FleetChange {
  const node = nodeOf(fleet, name);
  if (node === null) return { outcome: "not-found" };
  if (knowsWriteOf(node, job, now)) return { outcome: "done" };
  if (isDrained && node.state === "disabled") {
    return { outcome: "refused", detail: `node ${name} is being deleted` };
  }
  const next = isDrained ? "draining" : shownState(node);
  // It drains because somebody asked for it now: discovery does not show it again.
  const discovery = isDrained && node.discovery !== null ? { ...node.discovery, isDrained: false } : node.discovery;
  if (next === node.state) return replaced(fleet, node, { ...node, discovery }, { job, now });
  const isUnfilled = isDrained && node.state === "joining";
  const change = replaced(fleet, node, { ...node, discovery, state: next, since: now, isUnfilled }, { job, now });
  if (!isDrained) return change;
  return {
    ...change,
    events: [drainedEvent(name, { revision: fleet.revision + 1, at: Math.floor(now / 1_000), actor })],
  };
}

/** The state of a node once it is not to drain any more. */
export function shownState({ state, isUnfilled }: Pick<FleetNode, "state" | "isUnfilled">): NodeState {
  return isUnfilled ? "joining" : UNDRAINED[state];
}

const UNDRAINED = {
  joining: "joining",
  active: "active",
  draining: "active",
  disabled: "joining",
  gone: "gone",
} as const satisfies Record<NodeState, NodeState>;

/** Begins to take a node out: from now on nobody adds users to it. */
export function disabled(fleet: Fleet, name: string, { job, now }: ChangeStamp): FleetChange {
  const node = nodeOf(fleet, name);
  if (node === null) return { outcome: "not-found" };
  if (node.state === "disabled") return { outcome: "done" };
  return replaced(fleet, node, { ...node, state: "disabled", since: now }, { job, now });
}

/**
 * Ends a node that is disabled, and its hosts. One that the environment lists or discovery finds is remembered, so that neither
 * brings it back.
 */
export function ended(fleet: Fleet, name: string, now: number): FleetUpdate | null {
  const { nodes } = fleet;
  const node = nodes.find((one) => one.name === name && one.state === "disabled");
  if (node === undefined) return null;
  const isFound = node.discovery !== null && node.discovery.goneSince === null;
  const isNamed = node.origin === "environment" || isFound;
  const left = isNamed ? withState(nodes, node, "gone", now) : nodes.filter((one) => one !== node);
  return withoutTheirHosts(fleet, left);
}

/**
 * A node that has been filled becomes active, and one that drains may be so as soon as it is shown again.
 *
 * @param now milliseconds since the epoch
 * @returns null when there is nothing to change
 */
export function activated({ nodes }: Fleet, name: string, now: number): FleetUpdate | null {
  const filled = nodes.find((node) => node.name === name && isToBeFilled(node));
  if (filled === undefined) return null;
  if (filled.state === "joining") return { nodes: withState(nodes, filled, "active", now) };
  return { nodes: nodes.map((node) => (node === filled ? { ...filled, isUnfilled: false } : node)) };
}

/** Whether a node waits for its users. */
export function isToBeFilled({ state, isUnfilled }: Pick<FleetNode, "state" | "isUnfilled">): boolean {
  return state === "joining" || (state === "draining" && isUnfilled);
}

function holderOf(nodes: readonly FleetNode[], address: string, name: string): FleetNode | null {
  return (
    nodes.find((node) => node.name !== name && node.state !== "gone" && isSameAddress(node.address, address)) ?? null
  );
}

/** The end of a sentence on what a caller may have wanted. One by one they can't: each would leave its users to the other, or to nobody. */
export const CHANGE_PLACES = "; two nodes that are to change places are deleted first, and added again";

function addressTaken(address: string, { name, state }: FleetNode, instead = ""): FleetChange {
  const holder = state === "disabled" ? `node ${name}, which is being deleted` : `node ${name}${instead}`;
  return { outcome: "taken", detail: `the address ${address} is already used by ${holder}` };
}

/** A node that is found at another address: it is filled there before links show it. */
export function movedTo(node: FleetNode, address: string, now: number): FleetNode {
  if (isSameAddress(address, node.address)) return { ...node, address };
  const moved = { ...node, address };
  if (node.state === "active") return { ...moved, state: "joining", since: now };
  return node.state === "draining" ? { ...moved, isUnfilled: true } : moved;
}

function replaced(
  { nodes }: Fleet,
  before: FleetNode,
  node: FleetNode,
  { job, now }: ChangeStamp,
): { readonly outcome: "changed" } & FleetUpdate {
  const after = { ...node, ...remember(before, job, now) };
  return { outcome: "changed", nodes: nodes.map((one) => (one === before ? after : one)) };
}

function withState(
  nodes: readonly FleetNode[],
  before: FleetNode,
  state: NodeState,
  since: number,
): readonly FleetNode[] {
  return nodes.map((node) => (node === before ? { ...node, state, since } : node));
}
