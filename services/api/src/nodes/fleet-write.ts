import { type JobResult, TOO_LATE } from "@veil/job-contract";
import type { Fleet } from "@veil/nodes";
import { ContradictionError } from "../errors.ts";
import { readWithin } from "../jobs/read-within.ts";
import type { WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError, type WriteOperation } from "../jobs/write-jobs.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";

type FleetResult = JobResult<"change-node" | "change-host">;

/** The result of a job without the worker's answer: the node or host that it made or changed names it. */
export async function fleetResultOf(
  job: string,
  operation: WriteOperation,
  limits: WriteLimits,
  ports: Pick<WritePorts, "clock"> & { readonly fleet: () => Promise<Fleet> },
): Promise<FleetResult> {
  const { nodes, hosts } = await readWithin(ports.fleet, operation, limits, ports);
  return [...nodes, ...hosts].some(({ jobs }) => jobs.includes(job)) ? { outcome: "changed" } : TOO_LATE;
}

/** The error for a job that changed nothing. @param notFound that there is none of what it was to change */
export function fleetError(
  operation: WriteOperation,
  result: Exclude<FleetResult, { outcome: "changed" }>,
  notFound: () => Error,
): Error {
  switch (result.outcome) {
    case "not-found":
      return notFound();
    case "taken":
    case "refused":
      return new ContradictionError(result.outcome, result.detail);
    default:
      return notAppliedError(operation, result);
  }
}
