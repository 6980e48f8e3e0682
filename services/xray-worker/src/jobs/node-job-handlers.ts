import type { JobHandlers } from "@veil/job-queue";
import { drained } from "@veil/nodes";
import { actorOf } from "./actor-of.ts";
import { changeInTime } from "../nodes/fleet-changes.ts";
import { type ChangeNodePorts, changeNode, enterNode } from "../nodes/visited-changes.ts";
import { orUnreadable } from "./or-unreadable.ts";
import { type RetireNodePorts, retireNode } from "../nodes/retire-node.ts";

export type NodeJobHandlers = Pick<
  JobHandlers<"veil-keys">,
  "create-node" | "change-node" | "drain-node" | "delete-node"
>;

export type NodeJobPorts = RetireNodePorts & ChangeNodePorts;

/** Handles each job that changes which nodes there are. */
export function nodeJobHandlers(ports: NodeJobPorts): NodeJobHandlers {
  const orDamaged = <Result>(change: () => Promise<Result>) => orUnreadable("list of nodes and hosts", change);
  return {
    "create-node": ({ node, deadline }, { jobId: job }) => orDamaged(() => enterNode(node, { job, deadline }, ports)),
    "change-node": ({ name, change, deadline }, { jobId: job }) =>
      orDamaged(() => changeNode(name, change, { job, deadline }, ports)),
    "drain-node": ({ name, is_drained: isDrained, deadline, ...asked }, { jobId: job }) => {
      const actor = actorOf(asked);
      return orDamaged(() =>
        changeInTime({ job, deadline }, (fleet, stamp) => drained(fleet, name, isDrained, { ...stamp, actor }), ports),
      );
    },
    "delete-node": ({ name, force, deadline, request_id: requestId }, { jobId: job, redelivered }) =>
      orDamaged(() => retireNode({ name, force, deadline, requestId, job, redelivered }, ports)),
  };
}
