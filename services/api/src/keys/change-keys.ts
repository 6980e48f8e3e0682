import { messages, type SeenRevision } from "@veil/http-contract";
import type { JobResult } from "@veil/job-contract";
import { hasChangeOf, isMadeBy, type KeyChange, type KeyRecord } from "@veil/keys";
import {
  ContradictionError,
  KeyNotFoundError,
  TIMED_OUT,
  WriteFailedError,
  WriteIndeterminateUnavailableError,
} from "../errors.ts";
import { readWithin } from "../jobs/read-within.ts";
import { type PayloadStamp, planWriteJob, runWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError, type WriteOperation } from "../jobs/write-jobs.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";
import type { KeyFacts, RequestedAttributes, RequestScope } from "../ports.ts";
import type { CallerKeys } from "../caller-keys.ts";

export interface ChangeKeysPorts extends WritePorts {
  readonly keys: CallerKeys;
}

/** The endpoints that change one key by its id. */
type ChangeOperation = Extract<WriteOperation, "updateKey" | "extendKey" | "revokeKey">;

const ACTION = "change key";

/** A change that is to be made to a key. */
export interface ChangeOrder {
  readonly keyId: number;
  readonly change: KeyChange;
  readonly ifRevision: SeenRevision;
}

/**
 * Changes a key: all of it or nothing. Returns it once every node in reach has followed.
 *
 * @throws {KeyNotFoundError} when there is no such key; {@link ContradictionError} when the change does not fit it
 * @throws {WriteFailedError} when it was not done; {@link WriteUnavailableError} when it is worth trying again
 */
export async function changeKey(
  operation: ChangeOperation,
  order: ChangeOrder,
  scope: RequestScope,
  ports: ChangeKeysPorts,
): Promise<KeyFacts> {
  return changedKey(operation, order.keyId, await runChange(operation, order, scope, ports));
}

/**
 * {@link changeKey}, of which the caller reads the result itself.
 *
 * @throws {WriteFailedError} when there is none, or the job could not be queued
 */
export async function runChange(
  operation: ChangeOperation,
  { keyId, change, ifRevision }: ChangeOrder,
  scope: RequestScope,
  ports: ChangeKeysPorts,
): Promise<JobResult<"change-key">> {
  const job = planWriteJob(operation, scope, ports);
  const payload = (stamp: PayloadStamp) => ({
    key_id: keyId,
    change,
    // That a key is there is asked for in any case.
    if_revision: ifRevision === "any" ? null : ifRevision,
    ...stamp,
  });
  const onNoOutcome = async (limits: WriteLimits) => readAgain(() => ports.keys.find(keyId), job.id, limits, ports);
  return runWriteJob({ job, payload, onNoOutcome }, scope, ports);
}

/** The key that a result says was changed. @throws as {@link changeKey} does */
export function changedKey(operation: ChangeOperation, keyId: number, result: JobResult<"change-key">): KeyFacts {
  switch (result.outcome) {
    case "changed":
      return result.key;
    case "not-found":
      throw new KeyNotFoundError(keyId);
    case "outdated":
      throw new ContradictionError("outdated", messages.revisionChanged);
    default:
      throw notChanged(operation, result);
  }
}

/** The result of a put. */
export interface PutKey {
  readonly key: KeyFacts;
  readonly outcome: "created" | "updated" | "unchanged";
}

/** The attributes that a key is to have; those that are left out stay. */
export interface PutOrder extends Partial<Pick<RequestedAttributes, "name" | "terms">> {
  /** With one no key is made. */
  readonly ifRevision: SeenRevision;
}

/**
 * Makes the key that has an external id, or changes it.
 *
 * @throws as {@link changeKey} does
 */
export async function putKey(
  externalId: string,
  { name, terms, ifRevision }: PutOrder,
  scope: RequestScope,
  ports: ChangeKeysPorts,
): Promise<PutKey> {
  const job = planWriteJob("putKeyByExternalId", scope, ports);
  const payload = (stamp: PayloadStamp) => ({
    external_id: externalId,
    terms: terms ?? {},
    ...(name !== undefined && { name }),
    ...(ifRevision !== null && { if_revision: ifRevision }),
    ...stamp,
  });
  const onNoOutcome = (limits: WriteLimits) =>
    readAgain(() => ports.keys.findByExternalId(externalId), job.id, limits, ports);
  const result = await runWriteJob({ job, payload, onNoOutcome }, scope, ports);
  switch (result.outcome) {
    case "created":
      return { key: result.key, outcome: "created" };
    case "changed":
      return { key: result.key, outcome: result.is_changed ? "updated" : "unchanged" };
    case "outdated":
      throw new ContradictionError("outdated", messages.revisionChanged);
    default:
      throw notChanged("putKeyByExternalId", result);
  }
}

type NotChanged = Extract<
  JobResult<"change-key">,
  { readonly outcome: "taken" | "refused" | "unavailable" | "failed" }
>;

function notChanged(operation: WriteOperation, result: NotChanged): Error {
  if (result.outcome === "taken" || result.outcome === "refused") {
    return new ContradictionError(result.outcome, result.detail);
  }
  return notAppliedError(operation, result);
}

/** Without the worker's result: the key names the job when the change stands, though a node may not have followed yet. */
async function readAgain(
  read: () => Promise<KeyRecord | null>,
  job: string,
  limits: WriteLimits,
  ports: WritePorts,
): Promise<never> {
  const key = await readWithin(read, "updateKey", limits, ports);
  const now = ports.clock.now();
  if (key !== null && (hasChangeOf(key, job, now) || isMadeBy(key, job, now))) {
    throw new WriteIndeterminateUnavailableError(ACTION, "the change stands; Xray has not followed yet");
  }
  throw new WriteFailedError(ACTION, TIMED_OUT);
}
