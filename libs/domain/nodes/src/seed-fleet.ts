import {
  DEFAULT_MULTIPLIER,
  type Fleet,
  type FleetNode,
  inOrder,
  isSameAddress,
  isSameField,
  isSameGroups,
  isUnreadableNode,
  NODE_FIELDS,
  type NodeFields,
} from "./fleet.ts";
import { withoutTheirHosts } from "./hosts.ts";
import type { FleetStore } from "./ports.ts";
import { changedInbounds, namesInbounds, PLAIN_INBOUND } from "./inbounds.ts";

/** A node as the environment lists it. */
export interface ListedNode extends NodeFields {
  readonly name: string;
}

/** What the environment says and is not followed in, and why. */
export type SeedNote =
  | { readonly node: string; readonly kept: "deleted" | "address-taken" | "unlisted" }
  /** Fields that an API call changed, of which the environment says something else. */
  | { readonly node: string; readonly kept: "changed"; readonly fields: readonly (keyof NodeFields)[] };

export interface Seeded {
  readonly nodes: readonly FleetNode[];
  readonly notes: readonly SeedNote[];
}

export interface SeedOptions {
  /** Whether the environment lists no nodes, and `listed` is what there is without a list. */
  readonly isListMissing?: boolean;
}

/**
 * What the fleet is after a start: the environment is followed in each field that no API call changed. A node that it lists
 * no more goes, unless an API call made or changed it; one that an API call deleted stays away for as long as it is listed.
 * Where the list is missing as a whole, it was rather lost: the nodes stay until API calls delete them.
 *
 * @param now milliseconds since the epoch
 */
export function seeded(
  stored: Fleet | null,
  listed: readonly ListedNode[],
  now: number,
  { isListMissing = false }: SeedOptions = {},
): Seeded {
  const names = new Set(listed.map(({ name }) => name));
  const before = stored?.nodes ?? [];
  const lost = new Set(isListMissing ? before.filter((node) => wasListed(node, listed)) : []);
  const kept = before.filter(
    (node) =>
      names.has(node.name) ||
      node.origin === "api" ||
      (node.fixed.length > 0 && node.state !== "gone") ||
      lost.has(node),
  );
  const notes: SeedNote[] = [...lost].map(({ name }) => ({ node: name, kept: "unlisted" }));
  const nodes: FleetNode[] = kept.filter((node) => !names.has(node.name) || lost.has(node));
  for (const [position, node] of listed.entries()) {
    if (stored !== null && isUnreadableNode(stored, node.name)) continue;
    const known = kept.find(({ name }) => name === node.name);
    if (known !== undefined && lost.has(known)) continue;
    const next =
      known === undefined ? newNode(node, stored === null ? 0 : now, now) : followed(known, node, notes, now);
    const others = [...nodes, ...kept.filter(({ name }) => names.has(name) && name !== node.name)];
    // Of those that are listed each has its own; others stay where they are, as API calls made or changed them.
    const isTaken = others.some(({ name, address, state, origin }) => {
      const stays = origin === "api" || !names.has(name);
      return stays && state !== "gone" && isSameAddress(address, next.address);
    });
    if (isTaken) notes.push({ node: node.name, kept: "address-taken" });
    else nodes.push({ ...next, position: lost.size > 0 ? (known?.position ?? before.length) : position });
  }
  return { nodes: inOrder(withOneActive(nodes, now)), notes };
}

/** What a node without a list never has, since the settings that stand for one name its address and inbound alone. */
const LIST_FIELDS = NODE_FIELDS.filter((field) => field !== "address" && field !== "inboundTag");

/** Whether a node came from a list that there is no more, and is not the one that there is without a list. */
function wasListed(node: FleetNode, unlisted: readonly ListedNode[]): boolean {
  if (node.origin !== "environment" || node.state === "gone") return false;
  const same = unlisted.find(({ name }) => name === node.name);
  if (same === undefined) return !unlisted.some(({ address }) => isSameAddress(address, node.address));
  return LIST_FIELDS.some((field) => !node.fixed.includes(field) && !isSameField(field, node, same));
}

/** Nodes that the environment has found elsewhere, or lists no more: as they were. */
function departed(stored: Fleet | null, nodes: readonly FleetNode[]): readonly FleetNode[] {
  const stays = ({ name, address }: FleetNode) =>
    nodes.some((node) => node.name === name && isSameAddress(node.address, address));
  return (stored?.nodes ?? []).filter((node) => node.state !== "gone" && !stays(node));
}

/**
 * Follows the environment at a start, whoever else does so at the same time.
 *
 * @returns what it is not followed in; whether anything changed; and which nodes are no more where they were
 * @throws {StoreUnavailableError} when the store is away
 */
export async function seedFleet(
  store: FleetStore,
  listed: readonly ListedNode[],
  now: number,
  options: SeedOptions = {},
): Promise<{
  readonly notes: readonly SeedNote[];
  readonly isChanged: boolean;
  readonly departed: readonly FleetNode[];
}> {
  for (;;) {
    const stored = await store.read();
    const { nodes, notes } = seeded(stored, listed, now, options);
    if (stored !== null && JSON.stringify(stored.nodes) === JSON.stringify(nodes))
      return { notes, isChanged: false, departed: [] };
    if ((await store.save(stored, stored === null ? { nodes } : withoutTheirHosts(stored, nodes))) !== "saved")
      continue;
    return { notes, isChanged: true, departed: departed(stored, nodes) };
  }
}

/** The first nodes of all are active as they were before they were stored; later ones are filled first. */
function newNode(node: ListedNode, since: number, now: number): FleetNode {
  return {
    name: node.name,
    ...fieldsOf(node),
    inbounds: [],
    state: since === 0 ? "active" : "joining",
    since,
    isUnfilled: false,
    regroupedAt: 0,
    formerGroups: [],
    note: null,
    multiplier: DEFAULT_MULTIPLIER,
    origin: "environment",
    discovery: null,
    fixed: [],
    position: 0,
    createdAt: Math.floor(now / 1_000),
    jobs: [],
  };
}

function fieldsOf({ address, inboundTag, tls, host, port, publicKey, shortId, sni, groups }: NodeFields): NodeFields {
  return { address, inboundTag, tls, host, port, publicKey, shortId, sni, groups };
}

function followed(known: FleetNode, listed: ListedNode, notes: SeedNote[], now: number): FleetNode {
  if (known.state === "gone") {
    notes.push({ node: known.name, kept: "deleted" });
    return known;
  }
  const differing = NODE_FIELDS.filter((field) => !isSameField(field, known, listed));
  // The environment names one inbound: where an API call named them, those hold.
  const fixed = namesInbounds(known) ? [...new Set([...known.fixed, "inboundTag" as const])] : known.fixed;
  const fields = differing.filter((field) => fixed.includes(field));
  if (fields.length > 0) notes.push({ node: known.name, kept: "changed", fields });
  const kept = Object.fromEntries(fixed.map((field) => [field, known[field]]));
  const next = { ...known, ...fieldsOf(listed), ...kept };
  const isRegrouped = !isSameGroups(next.groups, known.groups);
  const isRenamed = next.inboundTag !== known.inboundTag;
  if (!isRegrouped && !isRenamed) return next;
  const regrouped = isRegrouped ? { ...next, regroupedAt: now, formerGroups: known.groups } : next;
  const wanted = isRenamed ? [{ tag: next.inboundTag, ...PLAIN_INBOUND }] : null;
  const inbounds = changedInbounds(known, wanted, regrouped, now);
  return typeof inbounds === "string" ? regrouped : { ...regrouped, inbounds };
}

/** Without an active node there would be no links; the first one that is listed has what they need in a moment. */
function withOneActive(nodes: readonly FleetNode[], now: number): readonly FleetNode[] {
  if (nodes.some(({ state }) => state === "active")) return nodes;
  const first = nodes.find(({ state, origin }) => state === "joining" && origin === "environment");
  return nodes.map((node) => (node === first ? { ...node, state: "active" as const, since: now } : node));
}
