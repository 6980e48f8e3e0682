import type { KeyRef } from "@veil/http-contract";
import { itemJobId, type JobResult } from "@veil/job-contract";
import { type KeyRecord, StoreUnavailableError } from "@veil/key-lifecycle";
import { TimeLimitError, withinTime } from "@veil/service-runtime";
import pLimit from "p-limit";
import {
  KeyNotFoundError,
  NOT_IN_TIME,
  STORE_UNAVAILABLE,
  WriteFailedError,
  WriteIndeterminateUnavailableError,
  WriteUnavailableError,
} from "../errors.ts";
import {
  type PayloadStamp,
  type PlannedJob,
  planWriteJob,
  runWriteJob,
  type WritePorts,
} from "../jobs/run-write-job.ts";
import { writeJob } from "../jobs/write-jobs.ts";
import { batchLimitsOf, type WriteLimits } from "../jobs/write-limits.ts";
import type { KeyFacts, KeyReader, RequestScope } from "../ports.ts";
import { type ItemOutcome, onlyValue } from "./answer-batch.ts";
import { findKeyId, type VisibleKeys } from "./visible-keys.ts";

export interface DeleteKeysPorts extends WritePorts {
  readonly keys: Pick<KeyReader, "find" | "findMany" | "findByUuid">;
  readonly visibleKeys: Pick<VisibleKeys, "shows">;
}

/** What errors say of one deletion, alone or in a batch. */
const ACTION = "delete key";
/** No key has this id: it stands in the job for items that name no key, so that every item keeps its position. */
const NO_KEY = 0;
const UUIDS_AT_ONCE = 16;

/**
 * Deletes a key. Returns its id when the intent is durable and this request's own, and every node in reach has dropped the
 * user: of two deletions at once one returns, the other throws KeyNotFoundError.
 *
 * @throws {KeyNotFoundError} when there is no such key; {@link WriteFailedError} when the key stays
 * @throws {WriteUnavailableError} when it is worth trying again; the key may be hidden already
 */
export async function deleteKey(ref: KeyRef, scope: RequestScope, ports: DeleteKeysPorts): Promise<number> {
  const keyId = await orUnavailable(ACTION, () => findKeyId(ref, ports.keys));
  const job = planWriteJob("deleteKey", scope, ports);
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
 * Deletes many keys by one job. What is said of an item is true, as with {@link deleteKey}; the key is returned as it was.
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

type FoundKeys = ReadonlyMap<number, KeyRecord>;

/** Deletions that travel in one job: one alone, or the items of a batch. */
interface Deletions {
  readonly job: PlannedJob<"deleteKey" | "deleteKeys">;
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
  const keys = await findKeys(deletions, ports);
  if (keys.every((key) => key === null)) return refs.map(notFound);
  const keyIds = keys.map((key) => key?.keyId ?? NO_KEY);
  const results = await run(keyIds, (limits) => readAgain(keyIds, action, limits, ports));
  return refs.map((ref, index) => {
    const [key, item = ""] = [keys[index] ?? null, items[index]];
    if (key === null) return notFound(ref);
    return "get" in results ? resolved(key, results.get(key.keyId), item) : outcomeOf(key, results[index]);
  });
}

/** The keys that are there, or that this very job deletes already; null for all others, and for repetitions. */
async function findKeys({ job, refs, items }: Deletions, ports: DeleteKeysPorts): Promise<(KeyRecord | null)[]> {
  const keys = await orUnavailable(writeJob(job.operation).action, () => lookUp(refs, ports.keys));
  const own = new Set<string | null>(items);
  const seen = new Set<number>();
  return keys.map((key) => {
    const counts = key !== null && (ports.visibleKeys.shows(key) || own.has(key.deleter));
    if (!counts || seen.has(key.keyId)) return null;
    seen.add(key.keyId);
    return key;
  });
}

async function orUnavailable<T>(action: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new WriteUnavailableError(action, STORE_UNAVAILABLE, { cause: error });
  }
}

async function lookUp(refs: readonly KeyRef[], keys: DeleteKeysPorts["keys"]): Promise<(KeyRecord | null)[]> {
  const limit = pLimit(UUIDS_AT_ONCE);
  const byId = await findByIds(
    refs.filter((ref) => typeof ref === "number"),
    keys,
  );
  return Promise.all(
    refs.map(async (ref) => (typeof ref === "number" ? (byId.get(ref) ?? null) : limit(() => keys.findByUuid(ref)))),
  );
}

/** One key is read by `find`: such reads of several requests travel together. */
async function findByIds(keyIds: readonly number[], keys: Pick<KeyReader, "find" | "findMany">): Promise<FoundKeys> {
  const [keyId, ...others] = keyIds;
  if (keyId === undefined) return new Map();
  if (others.length > 0) return keys.findMany(keyIds);
  const key = await keys.find(keyId);
  return new Map(key === null ? [] : [[keyId, key]]);
}

function outcomeOf(key: KeyRecord, result: JobResult<"delete-key"> | undefined): ItemOutcome<KeyFacts> {
  switch (result?.outcome) {
    case "deleted":
      return { status: "ok", value: key };
    case "unavailable":
      return failed(new WriteUnavailableError(ACTION, result.detail));
    case "failed":
      return failed(new WriteFailedError(ACTION, result.detail));
    case "not-found":
    case undefined:
      return notFound(key.keyId);
  }
}

async function readAgain(
  keyIds: readonly number[],
  action: string,
  { answerBy }: WriteLimits,
  { keys, clock }: DeleteKeysPorts,
): Promise<FoundKeys> {
  try {
    return await withinTime(findByIds(keyIds, keys), answerBy - clock.now());
  } catch (error) {
    if (!(error instanceof StoreUnavailableError || error instanceof TimeLimitError)) throw error;
    throw new WriteIndeterminateUnavailableError(action, STORE_UNAVAILABLE, { cause: error });
  }
}

/** Without the worker's result: it is the key's deleter that was first, and a key that is gone is in no node. */
function resolved(key: KeyRecord, now: KeyRecord | undefined, item: string): ItemOutcome<KeyFacts> {
  if (now?.phase === "active") return failed(new WriteFailedError(ACTION, NOT_IN_TIME));
  if (now?.deleter !== item) return notFound(key.keyId);
  if (now.phase === "gone") return { status: "ok", value: key };
  return failed(new WriteIndeterminateUnavailableError(ACTION, "it is hidden now, but not yet out of Xray"));
}

function notFound(ref: KeyRef): ItemOutcome<never> {
  return failed(new KeyNotFoundError(ref));
}

function failed(error: Error): { readonly status: "error"; readonly error: Error } {
  return { status: "error", error };
}
