import { TOO_LATE } from "@veil/job-contract";
import type { Outcome } from "./reply/reply.ts";

/** Thrown when there is no key of this id that callers may see. */
export class KeyNotFoundError extends Error {
  override readonly name = "KeyNotFoundError";
  /** Its id, or the UUID by which it was asked for. */
  readonly keyId: number | string;

  constructor(keyId: number | string) {
    super(`key ${keyId} not found`);
    this.keyId = keyId;
  }
}

/** Thrown when no key that callers may see has this external id. */
export class ExternalIdNotFoundError extends Error {
  override readonly name = "ExternalIdNotFoundError";
  readonly externalId: string;

  constructor(externalId: string) {
    super(`external id ${externalId} not found`);
    this.externalId = externalId;
  }
}

/** Thrown when there is no node of this name that callers may see. */
export class NodeNotFoundError extends Error {
  override readonly name = "NodeNotFoundError";
  readonly node: string;

  constructor(node: string) {
    super(`node ${node} not found`);
    this.node = node;
  }
}

/** Thrown when there is no host of this id that callers may see. */
export class HostNotFoundError extends Error {
  override readonly name = "HostNotFoundError";
  readonly hostId: string;

  constructor(hostId: string) {
    super(`host ${hostId} not found`);
    this.hostId = hostId;
  }
}

/** Thrown when a caller with an owner wants to add a node or a host. */
export class NodesOfInstallationError extends Error {
  override readonly name = "NodesOfInstallationError";
}

/** Thrown when a key has no device of this id. */
export class DeviceNotFoundError extends Error {
  override readonly name = "DeviceNotFoundError";
  readonly deviceId: string;

  constructor(deviceId: string) {
    super(`device ${deviceId} not found`);
    this.deviceId = deviceId;
  }
}

/** Thrown when there is no API token of this id that the caller may see. */
export class TokenNotFoundError extends Error {
  override readonly name = "TokenNotFoundError";
  readonly tokenId: string;

  constructor(tokenId: string) {
    super(`token ${tokenId} not found`);
    this.tokenId = tokenId;
  }
}

/** Thrown when there is no webhook of this id that the caller may see. */
export class WebhookNotFoundError extends Error {
  override readonly name = "WebhookNotFoundError";
  readonly webhookId: string;

  constructor(webhookId: string) {
    super(`webhook ${webhookId} not found`);
    this.webhookId = webhookId;
  }
}

/** Thrown when the server's settings lack what secrets of webhooks are sealed with. */
export class WebhooksNotConfiguredError extends Error {
  override readonly name = "WebhooksNotConfiguredError";
}

/** Thrown when an API token has, or would get, rights that the caller lacks. */
export class RightsBeyondError extends Error {
  override readonly name = "RightsBeyondError";
  /** The rights, fit for callers. */
  readonly beyond: string;

  constructor(beyond: string) {
    super(`the caller lacks ${beyond}`);
    this.beyond = beyond;
  }
}

/** Thrown when what is asked for contradicts what is there, so that nothing was done. Its message is fit for callers. */
export class ContradictionError extends Error {
  override readonly name = "ContradictionError";
  /** `taken`: another key has it; `refused`: it makes no sense for the key; `outdated`: the key has changed since. */
  readonly kind: "taken" | "refused" | "outdated";

  constructor(kind: ContradictionError["kind"], detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/** Thrown when a write was not done and will not be. For a create: there is no key, and none will appear. */
export class WriteFailedError extends Error {
  override readonly name: string = "WriteFailedError";
  /** The action that did not succeed: `create key`. */
  readonly action: string;
  /** Fit for callers: names no host, driver or secret. */
  readonly reason: string;

  constructor(action: string, reason: string, options?: ErrorOptions) {
    super(`failed to ${action}: ${reason}`, options);
    this.action = action;
    this.reason = reason;
  }
}

/** Thrown when a write was rejected for good: the same request would be rejected again. */
export class WriteRejectedError extends WriteFailedError {
  override readonly name: string = "WriteRejectedError";
}

/** Thrown when a write failed because something that the service needs is unavailable, so that trying again makes sense. */
export class WriteUnavailableError extends WriteFailedError {
  override readonly name: string = "WriteUnavailableError";
}

/** Thrown when a write was not seen to happen and may have happened all the same; it may be asked for again. */
export class WriteIndeterminateError extends WriteFailedError {
  override readonly name: string = "WriteIndeterminateError";
}

/** {@link WriteIndeterminateError} because something that the service needs is unavailable. */
export class WriteIndeterminateUnavailableError extends WriteUnavailableError {
  override readonly name: string = "WriteIndeterminateUnavailableError";
}

/** Whether a write that failed so may have happened all the same. */
export function isIndeterminate(error: unknown): boolean {
  return error instanceof WriteIndeterminateError || error instanceof WriteIndeterminateUnavailableError;
}

/** Reasons that several writes give. */
export const QUEUE_UNAVAILABLE = "the job queue is unavailable";
export const STORE_UNAVAILABLE = "the key store is unavailable";
export const TIMED_OUT = TOO_LATE.detail;
export const RECORD_UNREADABLE = "its record can't be read: it may have been done";

/** Thrown when it is not known whether a key was created, now or later: any answer might be wrong. */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";
  /** Id of the job, or of the write. */
  readonly job: string;

  constructor(job: string) {
    super(`neither Redis nor MongoDB can tell what became of ${job}`);
    this.job = job;
  }
}

/** Thrown when another request that takes part in the same write has completed it. */
export class WriteCompletedError extends Error {
  override readonly name = "WriteCompletedError";
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super("another request completed this write");
    this.outcome = outcome;
  }
}

/** Thrown when an `Idempotency-Key` was used before with another request. */
export class IdempotencyKeyReusedError extends Error {
  override readonly name = "IdempotencyKeyReusedError";
}

/** Thrown when this replica has no room for another stream of events. */
export class TooManyStreamsError extends Error {
  override readonly name = "TooManyStreamsError";
}

/** Thrown when a caller has as many streams of events at this replica as one may have. */
export class TooManyOwnStreamsError extends Error {
  override readonly name = "TooManyOwnStreamsError";
  readonly most: number;

  constructor(most: number) {
    super(`one caller may have ${most} streams`);
    this.most = most;
  }
}

/** Thrown when the shared store of writes does not answer. */
export class WriteRecordsUnavailableError extends Error {
  override readonly name = "WriteRecordsUnavailableError";
}

/** Thrown when no write of this id is known. */
export class JobNotFoundError extends Error {
  override readonly name = "JobNotFoundError";
  readonly jobId: string;

  constructor(jobId: string) {
    super(`job ${jobId} not found`);
    this.jobId = jobId;
  }
}

/** Thrown when the server's settings don't suffice for a share link. */
export class LinkNotConfiguredError extends Error {
  override readonly name = "LinkNotConfiguredError";
  readonly missing: "Reality public key" | "server domain";

  constructor(missing: LinkNotConfiguredError["missing"]) {
    super(`${missing} not configured`);
    this.missing = missing;
  }
}

/** Thrown when no host of an active node is meant for the groups of a key. */
export class NoNodeForKeyError extends Error {
  override readonly name = "NoNodeForKeyError";
}
