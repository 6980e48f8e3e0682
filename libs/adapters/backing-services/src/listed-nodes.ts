import type { ListedNode } from "@veil/nodes";
import type { NodeSettings } from "@veil/settings";

/** The nodes of the settings, as the fleet takes them over. */
export function listedNodes(nodes: readonly NodeSettings[]): ListedNode[] {
  return nodes.map(({ name, address, inboundTag, tls, groups, link }) => ({
    name,
    address,
    inboundTag,
    tls,
    groups,
    host: link.host ?? null,
    port: link.port ?? null,
    publicKey: link.publicKey ?? null,
    shortId: null,
    sni: null,
  }));
}
