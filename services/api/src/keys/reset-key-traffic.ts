import { hasChangeOf, type KeyRecord, type TrafficBytes, usedTraffic } from "@veil/keys";
import type { JobResult } from "@veil/job-contract";
import { WriteFailedError, WriteIndeterminateError } from "../errors.ts";
import { jobIdOf, writeJob } from "../jobs/write-jobs.ts";
import type { RequestScope, TrafficReader } from "../ports.ts";
import { type PayloadStamp, planWriteJob, submitWriteJob } from "../jobs/run-write-job.ts";
import { type LedgerReset, resetTraffic, type ResetTrafficPorts } from "../traffic/write-traffic.ts";
import type { CallerKeys } from "../caller-keys.ts";
import { changedKey, runChange } from "./change-keys.ts";

export interface ResetKeyTrafficPorts extends ResetTrafficPorts {
  readonly keys: CallerKeys;
  readonly traffic: Pick<TrafficReader, "find">;
}

/**
 * Sets the traffic of a key back to zero, in the ledger and for its terms: a limit that was reached is lifted in every node in
 * reach when the answer comes, and a rolling month begins anew. Returns the bytes since the last reset of either kind.
 *
 * @throws as {@link resetTraffic} does
 */
export async function resetKeyTraffic(
  keyId: number,
  scope: RequestScope,
  ports: ResetKeyTrafficPorts,
): Promise<TrafficBytes> {
  const key = await ports.visibleKeys.get(keyId);
  const { terms } = key;
  const { usedFrom, nextResetAt } = terms;
  // Terms that know of this reset say of what came before it that nothing is left.
  const countedFrom = isLifted(key, scope, ports) ? null : { usedFrom, nextResetAt, at: Math.floor(ports.clock.now()) };
  const counted = await resetTraffic({ keyId, countedFrom }, scope, ports);
  const previous = await sinceEitherReset(keyId, counted, ports);
  const isRolling = terms.trafficReset === "month_rolling";
  if (terms.trafficLimit !== null || isRolling) await lift(keyId, isRolling, scope, ports);
  else await reportLater(keyId, scope, ports);
  return previous;
}

/** Whether an attempt before has changed the key for this reset, though nobody heard of it. */
function isLifted(key: KeyRecord, { attempt }: RequestScope, { clock }: ResetKeyTrafficPorts): boolean {
  return attempt !== undefined && hasChangeOf(key, jobIdOf("updateKey", attempt.jobKey), clock.now());
}

/** A worker that is away for longer leaves the reset unreported. */
const REPORT_WITHIN_MS = 24 * 60 * 60 * 1_000;

/** Where nothing depends on the reset, nobody waits for the worker that reports it. */
async function reportLater(keyId: number, scope: RequestScope, ports: ResetKeyTrafficPorts): Promise<void> {
  const until = ports.clock.now() + REPORT_WITHIN_MS;
  const change = { set: {}, hasLedgerReset: true };
  try {
    const job = planWriteJob("updateKey", scope, ports, { jobDeadline: until, resolveAt: until, answerBy: until });
    const payload = (stamp: PayloadStamp) => ({ key_id: keyId, change, if_revision: null, ...stamp });
    await submitWriteJob({ job, payload }, scope, ports);
  } catch (err) {
    if (!(err instanceof WriteFailedError)) throw err;
    scope.log.warn({ err, key_id: keyId }, "a reset is not reported");
  }
}

/** Of the bytes since the ledger's last reset those that came after the last one of the terms. */
async function sinceEitherReset(
  keyId: number,
  counted: LedgerReset,
  { traffic }: ResetKeyTrafficPorts,
): Promise<TrafficBytes> {
  const { countedFrom } = counted;
  if (countedFrom === null) return counted;
  const { usedFrom, nextResetAt, at } = countedFrom;
  if (usedFrom.upload + usedFrom.download === 0 && nextResetAt === null) return counted;
  // What the reset itself says: a read that fails would have the caller reset the key once more.
  const lifetime = counted.reset ?? (await traffic.find(keyId))?.reset;
  if (lifetime === undefined) return counted;
  const reset = { upload: lifetime.upload - counted.upload, download: lifetime.download - counted.download };
  return usedTraffic(countedFrom, { lifetime, reset }, at);
}

/**
 * A change that takes the ledger's reset into account, and has it reported. Bytes counted since then stay counted, but
 * for a rolling month. That no node could let the key in again does not fail the reset: it stands, and they follow.
 *
 * @throws {WriteFailedError} when it was not made: a repeat makes it, and hears what the ledger's reset has counted
 */
async function lift(
  keyId: number,
  beginsAnew: boolean,
  scope: RequestScope,
  ports: ResetKeyTrafficPorts,
): Promise<void> {
  const { action } = writeJob("resetKeyTraffic");
  const change = { set: {}, resetTraffic: beginsAnew, hasLedgerReset: true };
  let result: JobResult<"change-key">;
  try {
    result = await runChange("updateKey", { keyId, change, ifRevision: null }, scope, ports);
  } catch (error) {
    if (!(error instanceof WriteFailedError)) throw error;
    throw new WriteIndeterminateError(action, error.reason, { cause: error });
  }
  if (result.outcome !== "unavailable" && result.outcome !== "failed") {
    changedKey("updateKey", keyId, result);
    return;
  }
  if (!isStored(result)) throw new WriteFailedError(action, result.detail);
  const { detail } = result;
  scope.log.warn({ detail, key_id: keyId }, "no node has let a key in again after its reset yet");
}

/** A worker of the version before does not say it: of this change it calls unavailable only what stands. */
function isStored(result: Extract<JobResult<"change-key">, { readonly outcome: "unavailable" | "failed" }>): boolean {
  return result.is_stored ?? result.outcome === "unavailable";
}
