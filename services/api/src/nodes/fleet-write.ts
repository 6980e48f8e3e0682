import { changedByWriteOf } from "@veil/idempotency";
import { type JobResult, TOO_LATE } from "@veil/job-contract";
import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import type { ChangeStamp, Fleet, FleetChange } from "@veil/nodes";
import { ContradictionError } from "../errors.ts";
import { readInTime } from "../jobs/read-in-time.ts";
import { readWithin } from "../jobs/read-within.ts";
import type { PlannedJob, WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError, type WriteOperation } from "../jobs/write-jobs.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";
import type { RequestScope } from "../ports.ts";

type FleetResult = JobResult<"change-node" | "change-host">;

export interface FleetWritePorts extends WritePorts {
  /** The nodes and hosts as they are stored. */
  readonly fleet: () => Promise<Fleet>;
  /** The nodes and hosts as this process last saw them. */
  readonly knownFleet: () => Fleet;
}

/** A change of the fleet that a job makes. */
export interface PlannedChange {
  readonly job: Pick<PlannedJob<WriteOperation>, "id" | "limits">;
  readonly change: (fleet: Fleet, stamp: ChangeStamp) => FleetChange;
}

/**
 * The nodes and hosts for the answer to a change that was done: as they are stored, and where the store does not say so in time, or
 * what it says makes no sense, as this process knows them with the change made to them. An error would have the caller do it once more.
 *
 * @throws {StoreUnavailableError} or {@link UnreadableRecordError} where what this process knows is too old for the change
 */
export async function fleetAfterWrite(
  { job, change }: PlannedChange,
  { log }: Pick<RequestScope, "log">,
  { clock, fleet, knownFleet }: FleetWritePorts,
): Promise<Fleet> {
  try {
    return await readInTime(fleet(), job.limits.answerBy - clock.now());
  } catch (error) {
    if (!(error instanceof StoreUnavailableError || error instanceof UnreadableRecordError)) throw error;
    const known = knownFleet();
    const end = change(known, { job: job.id, now: clock.now() });
    if (end.outcome !== "changed" && end.outcome !== "done") throw error;
    log.warn({ job: job.id, err: error }, "a change is answered without a look at what is stored");
    return end.outcome === "done" ? known : { ...known, ...end };
  }
}

/** The result of a job without the worker's answer: the node or host that it made or changed names it. */
export async function fleetResultOf(
  job: string,
  operation: WriteOperation,
  limits: WriteLimits,
  ports: Pick<WritePorts, "clock"> & { readonly fleet: () => Promise<Fleet> },
): Promise<FleetResult> {
  const { nodes, hosts } = await readWithin(ports.fleet, operation, limits, ports);
  const made = changedByWriteOf(job, [...nodes, ...hosts], ports.clock.now());
  return made !== null ? { outcome: "changed" } : TOO_LATE;
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
