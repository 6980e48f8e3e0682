import { KeyNotFoundError, queueAway, WriteFailedError, WriteRefusedError, WriteUnseenError } from "../errors.ts";
import type { VisibleKeys } from "../keys/visible-keys.ts";
import type { RequestScope } from "../ports.ts";
import { awaitVerdict } from "../writes/await-verdict.ts";
import { submitJob } from "../writes/submit-job.ts";
import { jobIdOf } from "../writes/write-jobs.ts";
import { judgingLimits, limitsOf } from "../writes/write-limits.ts";
import type { WritePorts } from "../writes/write-ports.ts";

export interface ResetTrafficPorts extends WritePorts {
  readonly visibleKeys: Pick<VisibleKeys, "get">;
}

/** Bytes counted before a reset. */
export interface PreviousTraffic {
  readonly upload: number;
  readonly download: number;
}

const action = "reset traffic";

/**
 * Sets the traffic of a key back to zero and returns what it was.
 *
 * @throws KeyNotFoundError, StoreUnavailableError, WriteFailedError
 */
export async function resetTraffic(
  keyId: number,
  scope: RequestScope,
  ports: ResetTrafficPorts,
): Promise<PreviousTraffic> {
  const limits = limitsOf(scope, ports);
  await ports.visibleKeys.get(keyId);
  const job = jobIdOf("resetKeyTraffic", scope.turn?.jobKey ?? ports.newId());
  const payload = { key_id: keyId, deadline: limits.jobDeadline, request_id: scope.requestId };
  if (!(await submitJob("reset-traffic", job, payload, ports.jobs, scope))) {
    throw new WriteFailedError(action, queueAway);
  }
  const awaited = { name: "reset-traffic", jobId: job, until: limits.judgeAt, whenFailed: "wait" } as const;
  const result = await awaitVerdict(awaited, ports, scope);
  if (result === null) {
    await judgingLimits(job, limits, scope, ports);
    throw new WriteUnseenError(action, "not done in time");
  }
  if (result.outcome === "not-found") throw new KeyNotFoundError(keyId);
  if (result.outcome === "failed") throw new WriteRefusedError(action, result.detail);
  if (result.outcome === "unavailable") throw new WriteFailedError(action, result.detail);
  return { upload: result.previous_upload, download: result.previous_download };
}
