import type { JobResult } from "@veil/job-contract";
import type { JobHandlers } from "@veil/job-queue";
import { type ChangeStamp, type Fleet, hostChanged, hostDeleted, hostPut, type HostsChange } from "@veil/nodes";
import { changeNodes, type FleetChanges } from "../nodes/fleet-changes.ts";

export type HostJobHandlers = Pick<JobHandlers<"veil-keys">, "put-host" | "change-host" | "delete-host">;

const TOO_LATE = { outcome: "failed", detail: "timed out" } as const;

/** What the worker does with each job that changes hosts. */
export function hostJobHandlers(ports: FleetChanges): HostJobHandlers {
  return {
    "put-host": ({ host, may_make: mayMake, deadline }, { jobId: job }) =>
      change(job, deadline, (fleet, stamp) => hostPut(fleet, host, mayMake, stamp), ports),
    "change-host": ({ host_id: id, change: wanted, deadline }, { jobId: job }) =>
      change(job, deadline, (fleet, stamp) => hostChanged(fleet, id, wanted, stamp), ports),
    "delete-host": async ({ host_id: id, deadline }, { jobId: job, redelivered }) => {
      const result = await change(job, deadline, (fleet) => hostDeleted(fleet, id), ports);
      // The delivery before may have deleted it.
      return result.outcome === "not-found" && redelivered ? { outcome: "changed" } : result;
    },
  };
}

async function change(
  job: string,
  deadline: number,
  decide: (fleet: Fleet, stamp: ChangeStamp) => HostsChange,
  ports: FleetChanges,
): Promise<JobResult<"change-host">> {
  let end: HostsChange = { outcome: "not-found" };
  let isLate = false;
  await changeNodes((fleet) => {
    const now = ports.clock.now();
    end = decide(fleet, { job, now });
    isLate = end.outcome === "changed" && now > deadline;
    return end.outcome === "changed" && !isLate ? { nodes: fleet.nodes, hosts: end.hosts } : null;
  }, ports);
  return isLate ? TOO_LATE : resultOf(end);
}

function resultOf(end: HostsChange): JobResult<"change-host"> {
  return end.outcome === "changed" || end.outcome === "done" ? { outcome: "changed" } : end;
}
