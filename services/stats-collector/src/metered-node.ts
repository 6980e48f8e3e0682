import type { XrayNode } from "@veil/xray-gateway";

/** The part of a node that marks the life of its process. */
export type MarkedNode = Pick<XrayNode, "name" | "readProcessMark" | "plantProcessMark" | "uptimeSeconds">;

/** A node whose counters are read. */
export interface MeteredNode extends MarkedNode, Pick<XrayNode, "queryCounters" | "readCounter"> {
  /** The inbound whose own counters make the node's totals. */
  readonly inboundTag: string;
}
