import type { Creation, KeyRecord } from "./access-key.ts";

/**
 * Where keys live. Every method is one step that may run twice.
 *
 * All methods throw StoreUnavailableError when the store can't be reached or doesn't answer in time;
 * the write may have happened then.
 */
export interface KeyStore {
  /**
   * Claims a key for a create job, or finds what an earlier delivery claimed.
   *
   * @returns the claim that stands, or null when the job was cancelled before it claimed anything
   */
  claim(request: Omit<Creation, "keyId">): Promise<Creation | null>;
  /** The claim of a create job, null when there is none. */
  findCreation(job: string): Promise<Creation | null>;
  /** Makes sure that a job which has claimed nothing never will. @returns the claim when it came first */
  forbid(job: string): Promise<Creation | null>;
  /** Inserts the decision about a key unless there is one. @returns the decision that stands */
  decide(decision: Decision): Promise<KeyRecord>;
  find(keyId: number): Promise<KeyRecord | null>;
  /** Raises the phase to `deleting` and enters the job as the deleter unless another one came first. */
  beginDeletion(keyId: number, deleter: string): Promise<KeyRecord | null>;
  /** Raises the phase to `deleting` because the creator was told that there is no key. */
  cancel(keyId: number): Promise<KeyRecord | null>;
  /** Raises the phase to `gone`. */
  finishDeletion(keyId: number): Promise<void>;
  markUnsure(keyId: number, node: string): Promise<void>;
  markSure(keyId: number, node: string): Promise<void>;
  /** Claims whose deadline passed before the given time and that nobody decided. */
  findOverdue(before: number): Promise<Creation[]>;
  /** Keys whose deletion is under way or was left unfinished, and those gone that one of the nodes may still hold. */
  findDeleting(nodes: readonly string[]): Promise<KeyRecord[]>;
}

/** What is written about a key at the one point where its fate is decided. */
export interface Decision extends Omit<Creation, "deadline"> {
  readonly phase: KeyRecord["phase"];
  readonly unsure: readonly string[];
}
