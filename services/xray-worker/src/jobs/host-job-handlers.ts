import type { JobHandlers } from "@veil/job-queue";
import { hostChanged, hostDeleted, hostPut } from "@veil/nodes";
import { changeInTime, type FleetChanges } from "../nodes/fleet-changes.ts";
import { orUnreadableFleet } from "./or-unreadable.ts";

export type HostJobHandlers = Pick<JobHandlers<"veil-keys">, "put-host" | "change-host" | "delete-host">;

type Limits = Parameters<typeof changeInTime>[0];
type Decide = Parameters<typeof changeInTime>[1];

/** Handles each job that changes hosts. */
export function hostJobHandlers(ports: FleetChanges): HostJobHandlers {
  const change = (limits: Limits, decide: Decide) => orUnreadableFleet(() => changeInTime(limits, decide, ports));
  return {
    "put-host": ({ host, may_make: mayMake, deadline }, { jobId: job }) =>
      change({ job, deadline }, (fleet, stamp) => hostPut(fleet, host, mayMake, stamp)),
    "change-host": ({ host_id: id, change: wanted, deadline }, { jobId: job }) =>
      change({ job, deadline }, (fleet, stamp) => hostChanged(fleet, id, wanted, stamp)),
    "delete-host": async ({ host_id: id, deadline }, { jobId: job, redelivered }) => {
      const result = await change({ job, deadline }, (fleet) => hostDeleted(fleet, id));
      // The delivery before may have deleted it.
      return result.outcome === "not-found" && redelivered ? { outcome: "changed" } : result;
    },
  };
}
