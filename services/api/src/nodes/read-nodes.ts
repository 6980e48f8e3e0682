import type { NodeBody, NodeHealthBody } from "@veil/http-contract";
import { tlsWireOf } from "@veil/job-contract";
import { isDown, type NodeSightings } from "@veil/keys";
import type { Fleet, FleetNode } from "@veil/nodes";
import type { NodeLivesStore } from "@veil/traffic";
import { NodeNotFoundError } from "../errors.ts";
import { type RequestScope, viewerOf } from "../ports.ts";

export interface ReadNodesPorts {
  /** The nodes as they are stored; those of the environment where none are. */
  readonly fleet: () => Promise<Fleet>;
  readonly sightings: Pick<NodeSightings, "list">;
  readonly lives: Pick<NodeLivesStore, "find">;
  readonly clock: { now(): number };
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

/** @throws {NodeNotFoundError} when the caller sees none of this name */
export async function readNodeHealth(
  name: string,
  scope: RequestScope,
  ports: ReadNodesPorts,
): Promise<NodeHealthBody> {
  const { state } = await readNode(name, scope, ports);
  const [sightings, lives] = await Promise.all([ports.sightings.list(), ports.lives.find(name)]);
  const sighting = sightings.get(name);
  const seenAt = sighting?.seenAt ?? null;
  const readAt = lives === null || lives.seen_at === 0 ? null : Math.floor(lives.seen_at / 1_000);
  return {
    name,
    state,
    reachable: sighting === undefined ? null : !isDown(sighting),
    since: seenAt === null ? null : Math.floor(seenAt / 1_000),
    last_reading: readAt,
    lag: readAt === null ? null : Math.max(0, Math.floor(ports.clock.now() / 1_000) - readAt),
  };
}

/** A node as callers see it; null when it is gone. */
function nodeBody(node: FleetNode): NodeBody | null {
  const { name, address, state, host, port, publicKey, shortId, sni, inboundTag, tls, groups, note, createdAt } = node;
  if (state === "gone") return null;
  return {
    ...{ name, address, state, host, port },
    public_key: publicKey,
    short_id: shortId,
    sni,
    inbounds: [{ tag: inboundTag, protocol: "vless" }],
    tls: tlsWireOf(tls),
    groups: [...groups],
    note,
    created_at: createdAt,
  };
}
