import { type NodeInbound, PLAIN_INBOUND } from "../src/index.ts";

/** An inbound of which a test says nothing but its tag, and what it cares for. */
export function someInbound(tag: string, attributes: Partial<NodeInbound> = {}): NodeInbound {
  return {
    ...PLAIN_INBOUND,
    tag,
    regroupedAt: 0,
    formerGroups: [],
    isLeaving: false,
    isUnfilled: false,
    ...attributes,
  };
}
