import { StoreUnavailableError } from "@veil/key-lifecycle";
import { TimeLimitError, withinTime } from "@veil/service-runtime";
import {
  KeyNotFoundError,
  notYetOut,
  queueAway,
  storeAway,
  WriteFailedError,
  WriteUnavailableError,
  WriteUnseenUnavailableError,
} from "../errors.ts";
import type { KeyReader, RequestScope } from "../ports.ts";
import { awaitVerdict } from "../writes/await-verdict.ts";
import { requireStore } from "../writes/require-store.ts";
import { submitJob } from "../writes/submit-job.ts";
import { jobIdOf } from "../writes/write-jobs.ts";
import { judgingLimits, limitsOf } from "../writes/write-limits.ts";
import type { WritePorts } from "../writes/write-ports.ts";
import type { VisibleKeys } from "./visible-keys.ts";

export interface DeleteKeyPorts extends WritePorts {
  readonly keys: Pick<KeyReader, "find">;
  readonly visibleKeys: Pick<VisibleKeys, "get">;
}

const action = "delete key";

/**
 * Deletes a key. Returns when the intent is durable and this request's own, and every node in reach has dropped the user:
 * of two deletions at once one returns, the other throws KeyNotFoundError.
 *
 * @throws KeyNotFoundError, WriteFailedError (the key stays), WriteUnavailableError (try again; the key may be hidden already)
 */
export async function deleteKey(keyId: number, scope: RequestScope, ports: DeleteKeyPorts): Promise<void> {
  requireStore(action, scope, ports);
  const limits = limitsOf(scope, ports);
  const job = jobIdOf("deleteKey", scope.turn?.jobKey ?? ports.newId());
  await requireKey(keyId, job, ports);
  const payload = { key_id: keyId, deadline: limits.jobDeadline, request_id: scope.requestId };
  if (!(await submitJob("delete-key", job, payload, ports.jobs, scope))) {
    throw new WriteUnavailableError(action, queueAway);
  }
  const awaited = { name: "delete-key", jobId: job, until: limits.judgeAt, whenFailed: "wait" } as const;
  const result = await awaitVerdict(awaited, ports, scope);
  switch (result?.outcome) {
    case "deleted":
      return;
    case "not-found":
      throw new KeyNotFoundError(keyId);
    case "unavailable":
      throw new WriteUnavailableError(action, result.detail);
    case "failed":
      throw new WriteFailedError(action, result.detail);
    case undefined: {
      const { answerBy } = await judgingLimits(job, limits, scope, ports);
      return judge(keyId, job, answerBy - ports.clock.now(), ports);
    }
  }
}

/** A key that this very job deletes already is as good as one that is there: the request takes part in that deletion. */
async function requireKey(keyId: number, job: string, { visibleKeys, keys }: DeleteKeyPorts): Promise<void> {
  try {
    await visibleKeys.get(keyId).catch(async (error: unknown) => {
      if (!(error instanceof KeyNotFoundError) || (await keys.find(keyId))?.deleter !== job) throw error;
    });
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new WriteUnavailableError(action, storeAway, { cause: error });
  }
}

/** Without the worker's word: it is the key's deleter that was first, and a key that is gone is in no node. */
async function judge(keyId: number, job: string, limitMs: number, { keys }: DeleteKeyPorts): Promise<void> {
  const key = await withinTime(keys.find(keyId), limitMs).catch((error: unknown) => {
    if (!(error instanceof StoreUnavailableError || error instanceof TimeLimitError)) throw error;
    throw new WriteUnseenUnavailableError(action, storeAway, { cause: error });
  });
  if (key?.phase === "active") throw new WriteFailedError(action, "not done in time");
  if (key?.deleter !== job) throw new KeyNotFoundError(keyId);
  if (key.phase !== "gone") throw new WriteUnseenUnavailableError(action, notYetOut);
}
