import type { JobResult } from "@veil/job-contract";
import type { JobHandlers } from "@veil/job-queue";
import { changed, type ChangeStamp, drained, entered, type Fleet, type FleetChange } from "@veil/nodes";
import { changeNodes, type FleetChanges } from "../nodes/fleet-changes.ts";
import { type RetireNodePorts, retireNode } from "../nodes/retire-node.ts";

export type NodeJobHandlers = Pick<
  JobHandlers<"veil-keys">,
  "create-node" | "change-node" | "drain-node" | "delete-node"
>;

export interface NodeJobPorts extends RetireNodePorts {
  /** The name of a node whose Xray process answers at an address; null when none is known to. */
  readonly processAt: (address: string, name: string) => Promise<string | null>;
}

type ChangeResult = JobResult<"change-node">;

const TOO_LATE = { outcome: "failed", detail: "timed out" } as const;

/** What the worker does with each job that changes which nodes there are. */
export function nodeJobHandlers(ports: NodeJobPorts): NodeJobHandlers {
  const { processAt, clock } = ports;
  return {
    "create-node": async ({ node, deadline }, { jobId: job }) => {
      const other = await processAt(node.address, node.name);
      if (other !== null) return sameProcess(other);
      return change(job, deadline, (fleet, stamp) => entered(fleet, node, stamp), ports);
    },
    "change-node": async ({ name, change: wanted, deadline }, { jobId: job }) => {
      const other = wanted.address === undefined ? null : await processAt(wanted.address, name);
      if (other !== null) return sameProcess(other);
      return change(job, deadline, (fleet, stamp) => changed(fleet, name, wanted, stamp), ports);
    },
    "drain-node": ({ name, is_drained: isDrained, deadline }, { jobId: job }) =>
      change(job, deadline, (fleet, stamp) => drained(fleet, name, isDrained, stamp), ports),
    "delete-node": async ({ name, force, deadline, request_id: requestId }, { jobId: job, redelivered }) => {
      if (clock.now() > deadline) return TOO_LATE;
      return retireNode({ name, force, deadline, requestId, job, redelivered }, ports);
    },
  };
}

function sameProcess(other: string): ChangeResult {
  return { outcome: "taken", detail: `the Xray process at this address is that of node ${other}` };
}

async function change(
  job: string,
  deadline: number,
  decide: (fleet: Fleet, stamp: ChangeStamp) => FleetChange,
  ports: FleetChanges,
): Promise<ChangeResult> {
  let end: FleetChange = { outcome: "not-found" };
  let isLate = false;
  await changeNodes((fleet) => {
    const now = ports.clock.now();
    end = decide(fleet, { job, now });
    isLate = end.outcome === "changed" && now > deadline;
    return end.outcome === "changed" && !isLate ? end.nodes : null;
  }, ports);
  return isLate ? TOO_LATE : resultOf(end);
}

function resultOf(end: FleetChange): ChangeResult {
  return end.outcome === "changed" || end.outcome === "done" ? { outcome: "changed" } : end;
}
