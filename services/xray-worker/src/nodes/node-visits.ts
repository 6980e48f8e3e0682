import { inboundFaultAt } from "./inbound-faults.ts";
import { leaveNode, type LeaveNodePorts, processAt } from "./leave-node.ts";
import { leftBehind } from "./left-behind.ts";
import type { RetireNodePorts } from "./retire-node.ts";
import type { ChangeNodePorts } from "./visited-changes.ts";

/** Visits of jobs to the nodes that they change, over connections of their own: such a node may not be connected yet. */
export function nodeVisits(
  ports: LeaveNodePorts,
): Pick<ChangeNodePorts & RetireNodePorts, "processAt" | "leftBehind" | "inboundFault" | "leave"> {
  return {
    processAt: (node) => processAt(node, ports),
    leftBehind: (node, next) => leftBehind(node, next, ports),
    inboundFault: (node) => inboundFaultAt(node, ports.certificates),
    leave: (node) => leaveNode(node, ports),
  };
}
