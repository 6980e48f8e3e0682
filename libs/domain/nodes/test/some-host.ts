import { type FleetHost, PLAIN_HOST } from "../src/index.ts";

/** A host of a node as an API call of a test made it. */
export function someHost(id: string, node: string, attributes: Partial<FleetHost> = {}): FleetHost {
  return { ...PLAIN_HOST, id, node, position: 1, createdAt: 1_700_000_000, jobs: [], ...attributes };
}
