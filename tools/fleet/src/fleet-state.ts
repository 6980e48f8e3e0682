import { isDeepStrictEqual } from "node:util";
import { asciiAddress, asciiHost, endpoints } from "@veil/http-contract";
import { DEFAULT_MULTIPLIER, DEFAULT_NODE_GROUPS, PLAIN_HOST } from "@veil/nodes";
import type { z } from "zod";
import type { FileHost, FileNode } from "./fleet-file.ts";

export const nodeList = endpoints.listNodes.success.schema;
export const hostList = endpoints.listHosts.success.schema;
type NodeBody = z.infer<typeof nodeList>["nodes"][number];
type HostBody = z.infer<typeof hostList>["hosts"][number];

/** Nodes and hosts as the API shows them. */
export interface FleetState {
  readonly nodes: readonly NodeBody[];
  readonly hosts: readonly HostBody[];
}

/** Fields of a node or a host by their names in the API. */
export type Fields = Readonly<Record<string, unknown>>;

/** The API's defaults for a node. */
const PLAIN_NODE = {
  host: null,
  port: null,
  public_key: null,
  short_id: null,
  sni: null,
  tls: null,
  groups: DEFAULT_NODE_GROUPS,
  multiplier: DEFAULT_MULTIPLIER,
  note: null,
} as const;

/** A node's wanted fields. Its inbounds are left to the installation unless they are named. */
export function saidOfNode({
  name: _name,
  draining: _draining,
  groups,
  multiplier,
  inbounds,
  ...said
}: FileNode): Fields {
  const named = inbounds === undefined || inbounds === null ? {} : { inbounds };
  const written = { address: asciiAddress(said.address), host: asciiHost(said.host ?? null) };
  return {
    ...PLAIN_NODE,
    ...said,
    ...written,
    groups: [...new Set(groups ?? PLAIN_NODE.groups)],
    multiplier: multiplier ?? PLAIN_NODE.multiplier,
    ...named,
  };
}

/** The same fields, as the API shows them. */
export function shownOfNode(node: NodeBody): Fields {
  const { name: _name, state: _state, created_at: _createdAt, discovered: _discovered, ...shown } = node;
  return shown;
}

/** A host's wanted fields. */
export function saidOfHost({ id: _id, ...said }: FileHost, nodes: FleetState["nodes"]): Fields {
  const { node, address, inbound = null } = said;
  const groups = said.groups === undefined || said.groups === null ? null : [...new Set(said.groups)];
  const written = { address: asciiHost(address ?? null), inbound: inboundOf({ node, inbound }, nodes), groups };
  return { ...PLAIN_HOST, ...said, ...written };
}

/** The same fields, as the API shows them. */
export function shownOfHost(
  { id: _id, is_own: _isOwn, created_at: _createdAt, ...shown }: HostBody,
  nodes: FleetState["nodes"],
): Fields {
  return { ...shown, inbound: inboundOf(shown, nodes) };
}

/** Null where it is the node's first one, which the API names where nothing is said. */
function inboundOf({ node, inbound }: Pick<HostBody, "node" | "inbound">, nodes: FleetState["nodes"]): string | null {
  return inbound === nodes.find(({ name }) => name === node)?.inbounds[0]?.tag ? null : inbound;
}

/** Whether somebody named it: others come and go by themselves. */
export function isNamed({ discovered }: Pick<NodeBody, "discovered">): boolean {
  return discovered === null;
}

/** Whether links leave a node out because somebody drained it. */
export function isDraining({ state }: Pick<NodeBody, "state">): boolean {
  return state === "draining";
}

/** The file that says what there is, as briefly as it can; what comes by itself is left out: nodes that are found, hosts of nodes. */
export function fileOf({ nodes, hosts }: FleetState): { readonly nodes: object[]; readonly hosts: object[] } {
  return {
    nodes: nodes.filter(isNamed).map((node) => ({
      name: node.name,
      ...differing(shownOfNode(node), PLAIN_NODE),
      ...(isDraining(node) && { draining: true }),
    })),
    hosts: hosts.flatMap((host) => {
      const { node, ...said } = differing(shownOfHost(host, nodes), { ...PLAIN_HOST });
      return host.is_own && Object.keys(said).length === 0 ? [] : [{ id: host.id, node, ...said }];
    }),
  };
}

function differing(shown: Fields, plain: Fields): Fields {
  return Object.fromEntries(Object.entries(shown).filter(([field, value]) => !isDeepStrictEqual(value, plain[field])));
}
