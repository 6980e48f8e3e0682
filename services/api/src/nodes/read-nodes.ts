import type { NodeBody, NodeHealthBody } from "@veil/http-contract";
import { inboundWireOf, tlsWireOf } from "@veil/job-contract";
import { isDown, type NodeSightings } from "@veil/keys";
import { type Fleet, type FleetNode, inboundsOf, type NodePasses } from "@veil/nodes";
import type { NodeLivesStore } from "@veil/traffic";
import { NodeNotFoundError } from "../errors.ts";
import { type RequestScope, viewerOf } from "../ports.ts";

export interface ReadNodesPorts {
  /** The nodes as they are stored; those of the environment where none are. */
  readonly fleet: () => Promise<Fleet>;
  readonly sightings: Pick<NodeSightings, "list">;
  readonly lives: Pick<NodeLivesStore, "find">;
  readonly passes: Pick<NodePasses, "list">;
  /** Why links to hosts of nodes lead nowhere. */
  readonly linkFaults: () => Promise<readonly NodeLinkFault[]>;
  readonly clock: { now(): number };
}

/** A host whose links name what its node's Xray does not have: no client gets in by them. */
export interface NodeLinkFault {
  readonly host: string;
  readonly node: string;
  /** A sentence. */
  readonly detail: string;
}

/** Whether the caller sees nodes: they are the installation's, so that one with an owner sees none. */
export function seesNodes(scope: RequestScope): boolean {
  return viewerOf(scope).owner === null;
}

/** The nodes that the caller sees. */
export async function listNodes(scope: RequestScope, ports: Pick<ReadNodesPorts, "fleet">): Promise<NodeBody[]> {
  if (!seesNodes(scope)) return [];
  const { nodes } = await ports.fleet();
  return nodes.flatMap((node) => nodeBody(node) ?? []);
}

/** @throws {NodeNotFoundError} when the caller sees none of this name */
export async function readNode(
  name: string,
  scope: RequestScope,
  ports: Pick<ReadNodesPorts, "fleet">,
): Promise<NodeBody> {
  const body = (await listNodes(scope, ports)).find((node) => node.name === name);
  if (body === undefined) throw new NodeNotFoundError(name);
  return body;
}

/**
 * The notes that workers and collectors made about a node. Notes about an earlier one of its name are left out.
 *
 * @throws {NodeNotFoundError} when the caller sees none of this name
 */
export async function readNodeHealth(
  name: string,
  scope: RequestScope,
  ports: ReadNodesPorts,
): Promise<NodeHealthBody> {
  const { state, created_at: createdAt } = await readNode(name, scope, ports);
  const [sightings, lives, passes, linkFaults] = await Promise.all([
    ports.sightings.list(),
    ports.lives.find(name),
    ports.passes.list(),
    ports.linkFaults(),
  ]);
  const own = (at: number | null | undefined) =>
    at === null || at === undefined || at < createdAt * 1_000 ? null : at;
  const sighting = sightings.get(name);
  const [seenAt, failedAt] = [own(sighting?.seenAt), own(sighting?.failedAt)];
  const readAt = unixSeconds(own(lives?.seenAt));
  const pass = passes.get(name);
  const passedAt = own(pass?.at);
  const found = pass === undefined || passedAt === null ? null : pass;
  return {
    name,
    state,
    reachable: seenAt === null && failedAt === null ? null : !isDown({ seenAt, failedAt }),
    since: unixSeconds(seenAt),
    version: null,
    users: found?.users ?? null,
    drift: found === null ? null : { missing: found.missing, wrong: found.wrong, orphan: found.orphans },
    reconciled_at: unixSeconds(passedAt),
    link_fault: faultText(linkFaults.find(({ node }) => node === name)),
    last_reading: readAt,
    lag: readAt === null ? null : Math.max(0, Math.floor(ports.clock.now() / 1_000) - readAt),
  };
}

function faultText(fault: NodeLinkFault | undefined): string | null {
  return fault === undefined ? null : `links to the host ${fault.host}: ${fault.detail}`;
}

function unixSeconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : Math.floor(milliseconds / 1_000);
}

/** A node as callers see it; null when it is gone. */
function nodeBody(node: FleetNode): NodeBody | null {
  const { name, address, state, host, port, publicKey, shortId, sni, tls } = node;
  const { groups, multiplier, note, discovery, createdAt } = node;
  if (state === "gone") return null;
  return {
    ...{ name, address, state, host, port },
    public_key: publicKey,
    short_id: shortId,
    sni,
    inbounds: inboundsOf(node)
      .filter(({ isLeaving }) => !isLeaving)
      .map(inboundWireOf),
    tls: tlsWireOf(tls),
    groups: [...groups],
    multiplier,
    note,
    discovered: discovery?.service ?? null,
    created_at: createdAt,
  };
}
