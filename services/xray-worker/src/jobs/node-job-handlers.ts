import type { JobHandlers } from "@veil/job-queue";
import { drained } from "@veil/nodes";
import { actorOf } from "./actor-of.ts";
import { changeInTime } from "../nodes/fleet-changes.ts";
import { type ChangeNodePorts, changeNode, enterNode } from "../nodes/visited-changes.ts";
import { orUnreadableFleet } from "./or-unreadable.ts";
import { type RetireNodePorts, retireNode } from "../nodes/retire-node.ts";

export type NodeJobHandlers = Pick<
  JobHandlers<"veil-keys">,
  "create-node" | "change-node" | "drain-node" | "delete-node"
>;

export type NodeJobPorts = RetireNodePorts & ChangeNodePorts;

/** Handles each job that changes which nodes there are. */
export function nodeJobHandlers(ports: NodeJobPorts): NodeJobHandlers {
  return {
    "create-node": ({ node, deadline }, { jobId: job }) =>
      orUnreadableFleet(() => enterNode(node, { job, deadline }, ports)),
    "change-node": ({ name, change, deadline }, { jobId: job }) =>
      orUnreadableFleet(() => changeNode(name, change, { job, deadline }, ports)),
    "drain-node": ({ name, is_drained: isDrained, deadline, ...asked }, { jobId: job }) => {
      const actor = actorOf(asked);
      return orUnreadableFleet(() =>
        changeInTime({ job, deadline }, (fleet, stamp) => drained(fleet, name, isDrained, { ...stamp, actor }), ports),
      );
    },
    "delete-node": ({ name, force, deadline, request_id: requestId }, { jobId: job, redelivered }) =>
      orUnreadableFleet(() => retireNode({ name, force, deadline, requestId, job, redelivered }, ports)),
  };
}
