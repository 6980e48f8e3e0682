import { nameBeside } from "@veil/nodes";
import { isNodeEntity, type Life, nodeEntity } from "@veil/traffic";
import type { MeteredNode } from "./node-counters.ts";

type Inbounds = Pick<MeteredNode, "name" | "inboundTags">;

/**
 * The meters of a node's inbounds, which together make the node's total, and the tag of each. The first one has the name of the
 * total itself: whatever was counted before a node had several is under it.
 */
export function inboundMeters({ name, inboundTags }: Inbounds): ReadonlyMap<string, string> {
  const total = nodeEntity(name);
  return new Map(inboundTags().map((tag, index) => [index === 0 ? total : nameBeside(total, tag), tag]));
}

/** In whose record the bytes of a meter are: a key's in its own, those of inbounds in that of their node. */
export function entityOfMeter(meter: string, node: string): string {
  return isNodeEntity(meter) ? nodeEntity(node) : meter;
}

/** What the ledger calls a process' life where it counts with a meter: the counters of each inbound are entries of their own. */
export function lifeOfMeter(meter: string, node: string, life: Life): Life {
  const inbound = isNodeEntity(meter) ? meter.slice(nodeEntity(node).length) : "";
  return inbound === "" ? life : { ...life, node: life.node + inbound };
}
