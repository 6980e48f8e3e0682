import type { TrafficBytes } from "@veil/keys";
import { KeyNotFoundError, TIMED_OUT, WriteIndeterminateError } from "../errors.ts";
import { type PayloadStamp, planWriteJob, runWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError, writeJob, type WriteOperation } from "../jobs/write-jobs.ts";
import type { RequestScope, VisibleKeyReader } from "../ports.ts";

export interface ResetTrafficPorts extends WritePorts {
  readonly visibleKeys: Pick<VisibleKeyReader, "get">;
}

/** Bytes counted before a reset of the ledger. */
export interface LedgerReset {
  readonly upload: number;
  readonly download: number;
  /** All bytes that resets of the ledger have taken back by now; null where a collector of the version before does not say. */
  readonly reset: TrafficBytes | null;
}

/**
 * Sets the traffic of a key back to zero and returns what it was.
 *
 * @throws {KeyNotFoundError} when there is no such key
 * @throws {StoreUnavailableError} while the store is unavailable
 * @throws {WriteFailedError} when it was not done, or not seen to be done
 */
export async function resetTraffic(keyId: number, scope: RequestScope, ports: ResetTrafficPorts): Promise<LedgerReset> {
  const job = planWriteJob("resetKeyTraffic", scope, ports);
  await ports.visibleKeys.get(keyId);
  const payload = (stamp: PayloadStamp) => ({ key_id: keyId, ...stamp });
  const result = await runWriteJob({ job, payload, onNoOutcome: notSeen(job.operation) }, scope, ports);
  if (result.outcome === "not-found") throw new KeyNotFoundError(keyId);
  if (result.outcome !== "reset") throw notAppliedError(job.operation, result);
  const { previous_upload: upload, previous_download: download } = result;
  const [up, down] = [result.reset_upload, result.reset_download];
  return { upload, download, reset: up === undefined || down === undefined ? null : { upload: up, download: down } };
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
