import { inboundOfWire, tlsOfWire } from "@veil/job-contract";
import { DEFAULT_MULTIPLIER, DEFAULT_NODE_GROUPS, type NewNode } from "@veil/nodes";
import { asciiAddress, asciiHost } from "./host-names.ts";
import type { CreateNodeBody, NodeTemplateBody } from "./node-bodies.ts";

/** The node that a body asks for. @param inboundTag of a node that names no inbound */
export function newNode({ name, address, ...said }: CreateNodeBody, inboundTag: string): NewNode {
  return { name, address: asciiAddress(address), ...nodeTemplate(said, inboundTag) };
}

/** All that a body says of a node but its name and its address. @param inboundTag where it names no inbound */
export function nodeTemplate(said: NodeTemplateBody, inboundTag: string): Omit<NewNode, "name" | "address"> {
  const { host = null, port = null, sni = null, note = null, inbounds = null, tls = null, groups = null } = said;
  return {
    ...{ port, sni, note },
    host: asciiHost(host),
    publicKey: said.public_key ?? null,
    shortId: said.short_id ?? null,
    inboundTag: inbounds?.[0]?.tag ?? inboundTag,
    inbounds: inbounds?.map(inboundOfWire) ?? [],
    tls: tlsOfWire(tls),
    groups: [...new Set(groups ?? DEFAULT_NODE_GROUPS)],
    multiplier: said.multiplier ?? DEFAULT_MULTIPLIER,
  };
}
