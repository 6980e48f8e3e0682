import pLimit from "p-limit";
import type { Actor } from "@veil/events";
import { changeKey, type ChangeRequest, type ChangeResult, type KeyChange } from "./change-key.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { Viewer } from "./owners.ts";
import { tryRead } from "./try-read.ts";

/** One change of many keys, and how far it is. */
export interface KeyBatch extends Viewer {
  /** Id of the job that began it. */
  readonly job: string;
  /** The change of each key, as the process that began the batch encoded it. */
  readonly change: string;
  /** How many keys there are. */
  readonly total: number;
  /** How many parts they stand in. */
  readonly parts: number;
  /** The part that is worked off now; `parts` when all are. */
  readonly next: number;
  readonly done: number;
  readonly failed: number;
  /** Why keys failed: the first {@link MOST_BATCH_ERRORS} of them. */
  readonly errors: readonly KeyBatchError[];
}

export interface KeyBatchError {
  readonly keyId: number;
  /** Fit for callers. */
  readonly detail: string;
}

/** The outcome for the keys of one part. */
export interface PartEnd {
  readonly done: number;
  readonly errors: readonly KeyBatchError[];
}

/** Where batches stand until they are done, and a while longer. Every method throws StoreUnavailableError. */
export interface KeyBatches {
  /**
   * Enters a batch with its keys, once: whoever comes second changes nothing. Until it is entered nobody works at it.
   *
   * @param parts ids of keys, a bounded number in each
   */
  begin(batch: Pick<KeyBatch, "job" | "owner" | "change">, parts: AsyncIterable<readonly number[]>): Promise<void>;
  find(job: string): Promise<KeyBatch | null>;
  /** Jobs whose batches are not done. */
  findUnfinished(): Promise<string[]>;
  /** The keys of the part that is worked off now. */
  nextPart(batch: KeyBatch): Promise<readonly number[]>;
  /** Goes on to the next part, unless somebody has. */
  advance(batch: KeyBatch, end: PartEnd): Promise<void>;
  /** Forgets batches that were entered before this. @param before unix seconds */
  drop(before: number): Promise<void>;
}

/** How many failures of a batch are kept. */
export const MOST_BATCH_ERRORS = 1_000;
/** Keys of one part: what is done twice at most when a worker dies. */
export const KEYS_PER_PART = 500;
/** Changes of batches under way at once: single jobs find room beside them. */
const CHANGED_AT_ONCE = 32;

/** The change of each key of a batch, and its actor. */
export interface BatchChange {
  readonly change: KeyChange;
  readonly actor: Actor;
}

/** Under which job id a batch changes one key: a change that has its id is not made twice. */
export function batchItemJob(job: string, keyId: number): string {
  return `${job}-${keyId}`;
}

/**
 * Changes the keys of one part, each once however often this runs.
 *
 * @throws for another attempt: when a store is away, others keep a key, or anything else happens that is not final for one key
 */
export async function changePart(
  { job, owner }: Pick<KeyBatch, "job" | "owner">,
  keyIds: readonly number[],
  asked: BatchChange,
  ports: LifecyclePorts,
): Promise<PartEnd> {
  const limit = pLimit(CHANGED_AT_ONCE);
  const ends = await Promise.allSettled(
    keyIds.map((keyId) =>
      limit(async () => {
        const ofKey = { keyId, owner, job: batchItemJob(job, keyId), redelivered: true, ifRevision: null };
        return { keyId, detail: await changeOne({ ...ofKey, deadline: null, ...asked }, ports) };
      }),
    ),
  );
  const items = ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
  const errors = items.flatMap(({ keyId, detail }) => (detail === null ? [] : [{ keyId, detail }]));
  return { done: keyIds.length - errors.length, errors };
}

/**
 * Nothing but what is final for this key is a failure of it; all else is thrown, as nobody knows whether the key has the change.
 *
 * @returns why the key failed, null when it has the change
 */
async function changeOne(request: ChangeRequest, ports: LifecyclePorts): Promise<string | null> {
  const result = await tryRead(() => changeKey(request, ports));
  return result === "unreadable" ? "the key can't be read or changed" : failureOf(result, request.keyId);
}

function failureOf(result: ChangeResult, keyId: number): string | null {
  switch (result.outcome) {
    case "changed":
      return null;
    case "unavailable":
    case "failed":
      // A change that is stored stands; nodes follow when they are back.
      return result.isStored ? null : result.detail;
    case "not-found":
    case "outdated":
      return `Key with id ${keyId} not found`;
    default:
      return result.detail;
  }
}
