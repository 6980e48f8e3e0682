import { hasReality, type InboundKind, isPlainKind, kindFault, PLAIN_KIND } from "@veil/protocols";
import { type FleetNode, isSameGroups, type NodeLink } from "./fleet.ts";

/** What callers may say of one inbound of a node. What is null is what is said of the node. */
export interface InboundFields extends InboundKind, Omit<NodeLink, "host"> {
  /** Its name in Xray. */
  readonly tag: string;
  /** Which keys it holds: those that are in one of these groups as well. */
  readonly groups: readonly string[] | null;
}

/** One inbound of a node. */
export interface NodeInbound extends InboundFields {
  /** When the groups whose keys it holds changed last, or 0. Milliseconds since the epoch. */
  readonly regroupedAt: number;
  /** Those before that; none of one that is new. */
  readonly formerGroups: readonly string[];
  /** It was taken out: it holds nobody any more, and goes when nobody is left in it. */
  readonly isLeaving: boolean;
  /** It came to a node that there was, and has not been filled with users: links don't show it yet. */
  readonly isUnfilled: boolean;
}

/** Most inbounds of a node: a key's user is added to each of them. */
export const MOST_INBOUNDS = 16;

/** An inbound of which only its tag is said. */
export const PLAIN_INBOUND: Omit<InboundFields, "tag"> = {
  ...PLAIN_KIND,
  port: null,
  publicKey: null,
  shortId: null,
  sni: null,
  groups: null,
};

/** What is wrong with a node's inbounds, as a sentence; null when nothing is. */
export function inboundsFault(inbounds: readonly InboundFields[]): string | null {
  if (inbounds.length > MOST_INBOUNDS) return `a node has at most ${MOST_INBOUNDS} inbounds`;
  const tags = new Set<string>();
  for (const inbound of inbounds) {
    const { tag, port } = inbound;
    const fault = kindFault(inbound) ?? realityFault(inbound);
    if (fault !== null) return `the inbound ${tag} ${fault}`;
    if (port === null && tags.size > 0) return `the inbound ${tag} needs a port, on which clients find it`;
    if (tags.has(tag)) return `two inbounds have the tag ${tag}`;
    tags.add(tag);
  }
  return null;
}

function realityFault({ protocol, publicKey, shortId, sni }: InboundFields): string | null {
  const isSaid = [publicKey, shortId, sni].some((field) => field !== null);
  return isSaid && !hasReality({ protocol })
    ? `can't have a public_key, a short_id or an sni with the protocol ${protocol}`
    : null;
}

/** The inbounds of a node that is entered, before anybody is in them. */
export function enteredInbounds(inbounds: readonly InboundFields[]): readonly NodeInbound[] {
  const [first, ...more] = inbounds;
  if (first !== undefined && more.length === 0 && isPlain(first)) return [];
  // The node itself is filled once every worker knows of it, and its inbounds with it.
  return inbounds.map((inbound) => ({
    ...inbound,
    regroupedAt: 0,
    formerGroups: [],
    isLeaving: false,
    isUnfilled: false,
  }));
}

/** The inbounds of a node in their order, the first one first; those that leave are the last. */
export function inboundsOf({
  inbounds,
  inboundTag,
  regroupedAt,
  formerGroups,
}: Pick<FleetNode, "inbounds" | "inboundTag" | "regroupedAt" | "formerGroups">): readonly [
  NodeInbound,
  ...NodeInbound[],
] {
  const [first, ...more] = inbounds;
  if (first !== undefined) return [first, ...more];
  return [{ tag: inboundTag, ...PLAIN_INBOUND, regroupedAt, formerGroups, isLeaving: false, isUnfilled: false }];
}

/** The inbounds whose bytes are the node's own, by their tags, the first one first: also those that leave, as long as they carry some. */
export function meteredTags(node: Parameters<typeof inboundsOf>[0]): readonly [string, ...string[]] {
  const [first, ...more] = inboundsOf(node);
  return [first.tag, ...more.map(({ tag }) => tag)];
}

/** The groups whose keys an inbound of a node is to hold. */
export function groupsOfInbound({ groups }: Pick<FleetNode, "groups">, inbound: NodeInbound): readonly string[] {
  return inbound.isLeaving ? [] : (inbound.groups ?? groups);
}

/**
 * What becomes of a node's inbounds when other ones are asked for, or when the node comes into other groups.
 *
 * @param wanted null for those that there are
 * @param after the node with its new groups
 * @param now milliseconds since the epoch
 * @returns a sentence where that can't be
 */
export function changedInbounds(
  before: FleetNode,
  wanted: readonly InboundFields[] | null,
  after: Pick<FleetNode, "groups" | "regroupedAt" | "formerGroups">,
  now: number,
): readonly NodeInbound[] | string {
  const [first, ...more] = inboundsOf(before);
  const staying = more.filter(({ isLeaving }) => !isLeaving);
  const asked = wanted ?? [first, ...staying];
  const [next, ...others] = asked;
  const isUnsaid = next === undefined || (next.tag === first.tag && others.length === 0 && isPlain(next));
  if (before.inbounds.length === 0 && isUnsaid) return [];
  if (next === undefined) return `node ${before.name} needs an inbound`;
  const fault = inboundsFault(asked) ?? orderFault(before, next, others);
  if (fault !== null) return fault;
  const made = [
    changedInbound(before, next.tag === first.tag ? first : newInbound(next), next, after, now),
    ...others.map((inbound) => {
      const known = more.find(({ tag }) => tag === inbound.tag);
      return changedInbound(before, known ?? newInbound(inbound), inbound, after, now);
    }),
  ];
  // The first one too, where another takes its place: by then it is one of those that are named by their tags.
  const leaving = [first, ...more]
    .filter(({ tag }) => !asked.some((inbound) => inbound.tag === tag))
    .map((inbound) => (inbound.isLeaving ? inbound : left(before, inbound, now)));
  return [...made, ...leaving];
}

/** Whether more is said of a node's inbounds than the tag of one. */
export function namesInbounds({ inbounds }: Pick<FleetNode, "inbounds">): boolean {
  const staying = inbounds.filter(({ isLeaving }) => !isLeaving);
  return staying.length > 1 || staying.some((inbound) => !isPlain(inbound));
}

/** Whether all that can be said of an inbound is its tag. */
function isPlain({ port, publicKey, shortId, sni, groups, ...kind }: InboundFields): boolean {
  return isPlainKind(kind) && [port, publicKey, shortId, sni, groups].every((field) => field === null);
}

/** The first inbound has the node's name in what is kept of its users: none that holds some by its tag may take it over. */
function orderFault(before: FleetNode, next: InboundFields, others: readonly InboundFields[]): string | null {
  const [first, ...more] = inboundsOf(before);
  const staying = more.filter(({ isLeaving }) => !isLeaving);
  const isSwapped = others.some(({ tag }) => tag === first.tag) || staying.some(({ tag }) => tag === next.tag);
  return next.tag !== first.tag && isSwapped
    ? `the inbound ${first.tag} of node ${before.name} stays the first one`
    : null;
}

function newInbound(inbound: InboundFields): NodeInbound {
  return { ...inbound, regroupedAt: 0, formerGroups: [], isLeaving: true, isUnfilled: true };
}

function changedInbound(
  before: FleetNode,
  known: NodeInbound,
  fields: InboundFields,
  after: Pick<FleetNode, "groups">,
  now: number,
): NodeInbound {
  const { tag, protocol, transport, path, serverKey, encryption, port, publicKey, shortId, sni, groups } = fields;
  const { regroupedAt, formerGroups } = known;
  const next = {
    ...{ tag, protocol, transport, path, serverKey, encryption, port, publicKey, shortId, sni, groups },
    ...{ regroupedAt, formerGroups, isLeaving: false, isUnfilled: known.isUnfilled || known.isLeaving },
  };
  const former = groupsOfInbound(before, known);
  const isRegrouped = !isSameGroups(former, groupsOfInbound(after, next));
  return isRegrouped ? { ...next, regroupedAt: now, formerGroups: former } : next;
}

function left(before: FleetNode, inbound: NodeInbound, now: number): NodeInbound {
  return { ...inbound, regroupedAt: now, formerGroups: groupsOfInbound(before, inbound), isLeaving: true };
}
