import type { KeyRef } from "@veil/http-contract";
import { itemJobId, type JobResult } from "@veil/job-contract";
import { isGone, isVisible, type KeyRecord, UnreadableRecordError } from "@veil/keys";
import {
  ExternalIdNotFoundError,
  KeyNotFoundError,
  RECORD_UNREADABLE,
  TIMED_OUT,
  WriteFailedError,
  WriteIndeterminateError,
  WriteIndeterminateUnavailableError,
} from "../errors.ts";
import { readWithin } from "../jobs/read-within.ts";
import { orUnavailable } from "../jobs/run-deletion.ts";
import {
  type PayloadStamp,
  type PlannedJob,
  planWriteJob,
  runWriteJob,
  type WritePorts,
} from "../jobs/run-write-job.ts";
import { notAppliedError, writeJob } from "../jobs/write-jobs.ts";
import { batchLimitsOf, type WriteLimits } from "../jobs/write-limits.ts";
import type { KeyFacts, RequestScope } from "../ports.ts";
import { failedItem, type ItemOutcome, onlyValue } from "./answer-batch.ts";
import { findEach, findKeyId, findKeysToDelete, type FindKeysPorts, type FoundKeys } from "./find-keys.ts";

export interface DeleteKeysPorts extends WritePorts, FindKeysPorts {}

/** The action's name in errors of a deletion, alone or in a batch. */
const ACTION = "delete key";
/** No key has this id: it stands in the job for items that name no key, so that every item keeps its position. */
const NO_KEY = 0;

/**
 * Deletes a key. Returns its id when the intent is durable and this request's own, and every node in reach has dropped the
 * user: of two deletions at once one returns, the other throws KeyNotFoundError.
 *
 * @throws {KeyNotFoundError} when there is no such key; {@link WriteFailedError} when the key stays
 * @throws {WriteUnavailableError} when it is worth trying again; the key may be hidden already
 */
export async function deleteKey(
  ref: KeyRef,
  scope: RequestScope,
  ports: DeleteKeysPorts,
  operation: "deleteKey" | "deleteKeyByExternalId" = "deleteKey",
): Promise<number> {
  const keyId = await orUnavailable(ACTION, () => findKeyId(ref, ports.keys));
  const job = planWriteJob(operation, scope, ports);
  const deletions: Deletions = {
    job,
    refs: [keyId],
    items: [job.id],
    run: async ([key_id = NO_KEY], onNoOutcome) => {
      const payload = (stamp: PayloadStamp) => ({ key_id, ...stamp });
      const result = await runWriteJob({ job, payload, onNoOutcome }, scope, ports);
      return "outcome" in result ? [result] : result;
    },
  };
  return onlyValue(await deleteAll(deletions, ports)).keyId;
}

/**
 * {@link deleteKey} of the key that has an external id.
 *
 * @throws {ExternalIdNotFoundError} when no key has it
 */
export async function deleteKeyByExternalId(
  externalId: string,
  scope: RequestScope,
  ports: DeleteKeysPorts,
): Promise<number> {
  const key = await orUnavailable(ACTION, () => ports.keys.findByExternalId(externalId));
  if (key === null) throw new ExternalIdNotFoundError(externalId);
  try {
    return await deleteKey(key.keyId, scope, ports, "deleteKeyByExternalId");
  } catch (error) {
    if (error instanceof KeyNotFoundError) throw new ExternalIdNotFoundError(externalId);
    throw error;
  }
}

/**
 * Deletes many keys by one job. Each item's answer is true, as with {@link deleteKey}; the key is returned as it was.
 *
 * @throws {WriteUnavailableError} when it is worth trying again
 */
export async function deleteKeys(
  refs: readonly KeyRef[],
  scope: RequestScope,
  ports: DeleteKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  const job = planWriteJob("deleteKeys", scope, ports, batchLimitsOf(refs.length, scope, ports));
  const deletions: Deletions = {
    job,
    refs,
    items: refs.map((_, index) => itemJobId(job.id, index)),
    run: async (key_ids, onNoOutcome) => {
      const payload = (stamp: PayloadStamp) => ({ key_ids: [...key_ids], ...stamp });
      const result = await runWriteJob({ job, payload, onNoOutcome }, scope, ports);
      return "outcome" in result ? result.items : result;
    },
  };
  return deleteAll(deletions, ports);
}

/** Deletions that travel in one job: one alone, or the items of a batch. */
interface Deletions {
  readonly job: PlannedJob<"deleteKey" | "deleteKeyByExternalId" | "deleteKeys">;
  readonly refs: readonly KeyRef[];
  /** The delete jobs, in the order of the references. */
  readonly items: readonly string[];
  /** The worker's results, or what the store says without them. */
  readonly run: (
    keyIds: readonly number[],
    onNoOutcome: (limits: WriteLimits) => Promise<FoundKeys>,
  ) => Promise<readonly JobResult<"delete-key">[] | FoundKeys>;
}

async function deleteAll(deletions: Deletions, ports: DeleteKeysPorts): Promise<ItemOutcome<KeyFacts>[]> {
  const { job, refs, items, run } = deletions;
  const { action } = writeJob(job.operation);
  const found = await orUnavailable(action, () => findKeysToDelete(refs, items, ports));
  const keys = found.map((key) => (key === "unreadable" ? null : key));
  const none = (ref: KeyRef, index: number) => (found[index] === "unreadable" ? unreadable(ref) : notFound(ref));
  if (keys.every((key) => key === null)) return refs.map(none);
  const keyIds = keys.map((key) => key?.keyId ?? NO_KEY);
  const results = await run(keyIds, (limits) =>
    readWithin(() => findEach(keyIds, ports.keys), job.operation, limits, ports),
  );
  return refs.map((ref, index) => {
    const [key, item = ""] = [keys[index] ?? null, items[index]];
    if (key === null) return none(ref, index);
    return "get" in results ? resolved(key, results.get(key.keyId), item) : outcomeOf(key, results[index]);
  });
}

function outcomeOf(key: KeyRecord, result: JobResult<"delete-key"> | undefined): ItemOutcome<KeyFacts> {
  switch (result?.outcome) {
    case "deleted":
      return { status: "ok", value: key };
    case "unavailable":
    case "failed":
      return failedItem(notAppliedError("deleteKey", result));
    case "not-found":
    case undefined:
      return notFound(key.keyId);
  }
}

/** Without the worker's result: it is the key's deleter that was first, and a key that is gone is in no node. */
function resolved(key: KeyRecord, now: KeyRecord | "unreadable" | undefined, item: string): ItemOutcome<KeyFacts> {
  if (now === "unreadable") return failedItem(new WriteIndeterminateError(ACTION, RECORD_UNREADABLE));
  if (now !== undefined && isVisible(now)) return failedItem(new WriteFailedError(ACTION, TIMED_OUT));
  if (now?.deleter !== item) return notFound(key.keyId);
  if (isGone(now)) return { status: "ok", value: key };
  return failedItem(new WriteIndeterminateUnavailableError(ACTION, "deletion accepted; removal from Xray pending"));
}

function notFound(ref: KeyRef): ItemOutcome<never> {
  return failedItem(new KeyNotFoundError(ref));
}

/** The answer that a single deletion of it gets. */
function unreadable(ref: KeyRef): ItemOutcome<never> {
  return failedItem(new UnreadableRecordError(`the record of key ${ref} makes no sense`));
}
