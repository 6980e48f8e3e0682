import type { KeyTerms, TrafficBytes } from "@veil/keys";
import type { JobPayload } from "@veil/job-contract";
import { KeyNotFoundError, TIMED_OUT, WriteIndeterminateError } from "../errors.ts";
import { type PayloadStamp, planWriteJob, runWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError, writeJob, type WriteOperation } from "../jobs/write-jobs.ts";
import type { RequestScope, VisibleKeyReader } from "../ports.ts";

export interface ResetTrafficPorts extends WritePorts {
  readonly visibleKeys: Pick<VisibleKeyReader, "get">;
}

/** From where a key's terms count, as they were read at a moment in milliseconds since the epoch. */
interface CountedFrom extends Pick<KeyTerms, "usedFrom" | "nextResetAt"> {
  readonly at: number;
}

/** Bytes counted before a reset of the ledger. */
export interface LedgerReset {
  readonly upload: number;
  readonly download: number;
  /** All bytes that resets of the ledger have taken back by now; null where a collector of the version before does not say. */
  readonly reset: TrafficBytes | null;
  /** What the first request for this reset read of the terms; null where it is not known any more. */
  readonly countedFrom: CountedFrom | null;
}

/** The reset of a key's traffic in the ledger. */
interface ResetOfKey {
  readonly keyId: number;
  /** Null where an earlier request has changed the terms for it. */
  readonly countedFrom: CountedFrom | null;
}

/**
 * Sets the traffic of a key back to zero and returns what it was.
 *
 * @throws {KeyNotFoundError} when there is no such key
 * @throws {StoreUnavailableError} while the store is unavailable
 * @throws {WriteFailedError} when it was not done, or not seen to be done
 */
export async function resetTraffic(
  { keyId, countedFrom }: ResetOfKey,
  scope: RequestScope,
  ports: ResetTrafficPorts,
): Promise<LedgerReset> {
  const job = planWriteJob("resetKeyTraffic", scope, ports);
  await ports.visibleKeys.get(keyId);
  const from = countedFrom === null ? {} : { counted_from: wireOf(countedFrom) };
  const payload = (stamp: PayloadStamp) => ({ key_id: keyId, ...from, ...stamp });
  const result = await runWriteJob({ job, payload, onNoOutcome: notSeen(job.operation) }, scope, ports);
  if (result.outcome === "not-found") throw new KeyNotFoundError(keyId);
  if (result.outcome !== "reset") throw notAppliedError(job.operation, result);
  const { previous_upload: upload, previous_download: download } = result;
  const [up, down] = [result.reset_upload, result.reset_download];
  const reset = up === undefined || down === undefined ? null : { upload: up, download: down };
  const first = result.counted_from;
  return { upload, download, reset, countedFrom: first === undefined ? countedFrom : ofWire(first) };
}

type CountedFromWire = Exclude<JobPayload<"reset-traffic">["counted_from"], undefined>;

function wireOf({ usedFrom, nextResetAt, at }: CountedFrom): CountedFromWire {
  return { used_from: usedFrom, next_reset_at: nextResetAt, at };
}

function ofWire({ used_from: usedFrom, next_reset_at: nextResetAt, at }: CountedFromWire): CountedFrom {
  return { usedFrom, nextResetAt, at };
}

export interface SyncTrafficPorts extends WritePorts {
  /** A sync covers all keys, so it may take longer than a write of one key; in milliseconds. */
  readonly syncDeadlineMs: number;
}

/** Active keys by what the sync did for them. */
export interface SyncedTraffic {
  readonly updated: number;
  readonly errors: number;
}

/**
 * Reads the traffic of all active keys from Xray; counts those that the caller sees.
 *
 * @throws {WriteFailedError} when it was not done, or not seen to be done
 */
export async function syncTraffic(scope: RequestScope, ports: SyncTrafficPorts): Promise<SyncedTraffic> {
  const until = ports.clock.now() + ports.syncDeadlineMs;
  const job = planWriteJob("syncTraffic", scope, ports, { jobDeadline: until, resolveAt: until, answerBy: until });
  const payload = ({ owner, request_id }: PayloadStamp) => ({ owner, request_id });
  const onNoOutcome = notSeen(job.operation);
  const { updated, errors } = await runWriteJob({ job, payload, onNoOutcome, whenFailed: "return" }, scope, ports);
  return { updated, errors };
}

/** No store tells what became of such a write. */
function notSeen(operation: WriteOperation): () => Promise<never> {
  return () => Promise.reject(new WriteIndeterminateError(writeJob(operation).action, TIMED_OUT));
}
