import { queueAway, WriteFailedError, WriteUnseenError } from "../errors.ts";
import type { RequestScope } from "../ports.ts";
import { awaitVerdict } from "../writes/await-verdict.ts";
import { jobIdOf } from "../writes/write-jobs.ts";
import { submitJob } from "../writes/submit-job.ts";
import type { WritePorts } from "../writes/write-ports.ts";

export interface SyncTrafficPorts extends WritePorts {
  /** A sync covers all keys, so it may take longer than a write of one key. */
  readonly syncDeadlineMs: number;
}

/** Active keys by what the sync did for them. */
export interface SyncedTraffic {
  readonly updated: number;
  readonly errors: number;
}

const action = "sync traffic";

/** Reads the traffic of all active keys from Xray. @throws WriteFailedError */
export async function syncTraffic(scope: RequestScope, ports: SyncTrafficPorts): Promise<SyncedTraffic> {
  const until = ports.clock.now() + ports.syncDeadlineMs;
  const job = jobIdOf("syncTraffic", scope.turn?.jobKey ?? ports.newId());
  if (!(await submitJob("sync-traffic", job, { request_id: scope.requestId }, ports.jobs, scope))) {
    throw new WriteFailedError(action, queueAway);
  }
  const result = await awaitVerdict({ name: "sync-traffic", jobId: job, until, whenFailed: "return" }, ports, scope);
  if (result === null) {
    await scope.turn?.becomeJudge(job);
    throw new WriteUnseenError(action, "not done in time");
  }
  return { updated: result.updated, errors: result.errors };
}
