import { type KeyRef, messages } from "@veil/http-contract";
import { itemJobId, type JobResult } from "@veil/job-contract";
import { type KeyRecord, StoreUnavailableError } from "@veil/key-lifecycle";
import { TimeLimitError, withinTime } from "@veil/service-runtime";
import pLimit from "p-limit";
import { notYetOut, queueAway, storeAway, WriteUnavailableError, WriteUnseenUnavailableError } from "../errors.ts";
import type { KeyFacts, KeyReader, RequestScope } from "../ports.ts";
import { awaitVerdict } from "../writes/await-verdict.ts";
import { requireStore } from "../writes/require-store.ts";
import { submitJob } from "../writes/submit-job.ts";
import { jobIdOf } from "../writes/write-jobs.ts";
import type { WritePorts } from "../writes/write-ports.ts";
import { batchDeadlineMs, judgingLimits, limitsOf, type WriteLimits } from "../writes/write-limits.ts";
import { type ItemOutcome, notApplied } from "./batch-outcome.ts";
import type { VisibleKeys } from "./visible-keys.ts";

export interface DeleteKeysPorts extends WritePorts {
  readonly keys: Pick<KeyReader, "findMany" | "findByUuid">;
  readonly visibleKeys: Pick<VisibleKeys, "shows">;
}

const action = "delete keys";
const itemAction = "delete key";

/**
 * Deletes many keys by one job. What is told of an item is true, as with `deleteKey`; the key is told as it was.
 *
 * @throws WriteUnavailableError (try again)
 */
export async function deleteKeys(
  refs: readonly KeyRef[],
  scope: RequestScope,
  ports: DeleteKeysPorts,
): Promise<ItemOutcome<KeyFacts>[]> {
  requireStore(action, scope, ports);
  const limits = limitsOf(scope, { ...ports, writeDeadlineMs: batchDeadlineMs(ports.writeDeadlineMs, refs.length) });
  const job = jobIdOf("deleteKeys", scope.turn?.jobKey ?? ports.newId());
  const keys = await findKeys(refs, job, ports);
  const outcomes = keys.every((key) => key === null) ? [] : await carryOut(keys, job, limits, scope, ports);
  return refs.map((ref, index) => outcomes[index] ?? notFound(keys[index]?.keyId ?? ref));
}

/** The keys that are there, or that this very job deletes already; null for all others, and for repetitions. */
async function findKeys(refs: readonly KeyRef[], job: string, ports: DeleteKeysPorts): Promise<(KeyRecord | null)[]> {
  const keys = await lookUp(refs, ports.keys).catch((error: unknown) => {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new WriteUnavailableError(action, storeAway, { cause: error });
  });
  const seen = new Set<number>();
  return keys.map((key) => {
    const counts = key !== null && (ports.visibleKeys.shows(key) || key.deleter?.startsWith(`${job}-`));
    if (!counts || seen.has(key.keyId)) return null;
    seen.add(key.keyId);
    return key;
  });
}

const uuidsAtOnce = 16;

async function lookUp(refs: readonly KeyRef[], keys: DeleteKeysPorts["keys"]): Promise<(KeyRecord | null)[]> {
  const limit = pLimit(uuidsAtOnce);
  const byId = await keys.findMany(refs.filter((ref) => typeof ref === "number"));
  return Promise.all(
    refs.map(async (ref) => (typeof ref === "number" ? (byId.get(ref) ?? null) : limit(() => keys.findByUuid(ref)))),
  );
}

/** No key has this id: it stands in the job for items that name no key, so that every item keeps its position. */
const noKey = 0;

async function carryOut(
  keys: readonly (KeyRecord | null)[],
  job: string,
  limits: WriteLimits,
  scope: RequestScope,
  ports: DeleteKeysPorts,
): Promise<(ItemOutcome<KeyFacts> | null)[]> {
  const payload = {
    key_ids: keys.map((key) => key?.keyId ?? noKey),
    deadline: limits.jobDeadline,
    request_id: scope.requestId,
  };
  if (!(await submitJob("delete-keys", job, payload, ports.jobs, scope))) {
    throw new WriteUnavailableError(action, queueAway);
  }
  const awaited = { name: "delete-keys", jobId: job, until: limits.judgeAt, whenFailed: "wait" } as const;
  const result = await awaitVerdict(awaited, ports, scope);
  if (result !== null) return keys.map((key, index) => (key === null ? null : outcomeOf(key, result.items[index])));
  const { answerBy } = await judgingLimits(job, limits, scope, ports);
  const now = await readAgain(payload.key_ids, answerBy, ports);
  return keys.map((key, index) => (key === null ? null : judged(key, now.get(key.keyId), itemJobId(job, index))));
}

function outcomeOf(key: KeyRecord, result: JobResult<"delete-key"> | undefined): ItemOutcome<KeyFacts> {
  switch (result?.outcome) {
    case "deleted":
      return { status: "ok", value: key };
    case "unavailable":
    case "failed":
      return notApplied(itemAction, result);
    case "not-found":
    case undefined:
      return notFound(key.keyId);
  }
}

async function readAgain(
  keyIds: readonly number[],
  answerBy: number,
  { keys, clock }: DeleteKeysPorts,
): Promise<ReadonlyMap<number, KeyRecord>> {
  try {
    return await withinTime(keys.findMany(keyIds), answerBy - clock.now());
  } catch (error) {
    if (!(error instanceof StoreUnavailableError || error instanceof TimeLimitError)) throw error;
    throw new WriteUnseenUnavailableError(action, storeAway, { cause: error });
  }
}

/** Without the worker's word: it is the key's deleter that was first, and a key that is gone is in no node. */
function judged(key: KeyRecord, now: KeyRecord | undefined, item: string): ItemOutcome<KeyFacts> {
  if (now?.phase === "active") return notApplied(itemAction, { outcome: "failed", detail: "not done in time" });
  if (now?.deleter !== item) return notFound(key.keyId);
  if (now.phase !== "gone") return notApplied(itemAction, { outcome: "unavailable", detail: notYetOut });
  return { status: "ok", value: key };
}

function notFound(ref: KeyRef): { readonly status: "error"; readonly detail: string } {
  return { status: "error", detail: messages.keyNotFound(ref) };
}
