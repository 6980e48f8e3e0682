import type { JobHandlers } from "@veil/job-queue";
import { hostChanged, hostDeleted, hostPut } from "@veil/nodes";
import { changeInTime, type FleetChanges } from "../nodes/fleet-changes.ts";

export type HostJobHandlers = Pick<JobHandlers<"veil-keys">, "put-host" | "change-host" | "delete-host">;

/** Handles each job that changes hosts. */
export function hostJobHandlers(ports: FleetChanges): HostJobHandlers {
  return {
    "put-host": ({ host, may_make: mayMake, deadline }, { jobId: job }) =>
      changeInTime({ job, deadline }, (fleet, stamp) => hostPut(fleet, host, mayMake, stamp), ports),
    "change-host": ({ host_id: id, change: wanted, deadline }, { jobId: job }) =>
      changeInTime({ job, deadline }, (fleet, stamp) => hostChanged(fleet, id, wanted, stamp), ports),
    "delete-host": async ({ host_id: id, deadline }, { jobId: job, redelivered }) => {
      const result = await changeInTime({ job, deadline }, (fleet) => hostDeleted(fleet, id), ports);
      // The delivery before may have deleted it.
      return result.outcome === "not-found" && redelivered ? { outcome: "changed" } : result;
    },
  };
}
