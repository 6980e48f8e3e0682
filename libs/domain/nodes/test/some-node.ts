import type { FleetNode } from "../src/index.ts";

/** A node as the environment of a test lists it. */
export function someNode(name: string, attributes: Partial<FleetNode> = {}): FleetNode {
  return {
    name,
    address: `${name}.example.com:10085`,
    tls: null,
    inboundTag: "vless-in",
    inbounds: [],
    host: null,
    port: null,
    publicKey: null,
    shortId: null,
    sni: null,
    groups: ["default"],
    state: "active",
    since: 0,
    isUnfilled: false,
    regroupedAt: 0,
    formerGroups: [],
    note: null,
    multiplier: 1,
    origin: "environment",
    discovery: null,
    fixed: [],
    position: 0,
    createdAt: 1_700_000_000,
    jobs: [],
    ...attributes,
  };
}
