import type { JsonReply } from "./http/reply.ts";

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

/** Thrown when a write was refused or did not come to an end in time. For a create: there is no key, and none will appear. */
export class WriteFailedError extends Error {
  override readonly name: string = "WriteFailedError";
  /** What was to be done: `create key`. */
  readonly action: string;
  /** Fit for callers: names no host, driver or secret. */
  readonly reason: string;

  constructor(action: string, reason: string, options?: ErrorOptions) {
    super(`failed to ${action}: ${reason}`, options);
    this.action = action;
    this.reason = reason;
  }
}

/** Thrown when a write was refused for good: the same request would be refused again. */
export class WriteRefusedError extends WriteFailedError {
  override readonly name: string = "WriteRefusedError";
}

/** Thrown when a write failed because something that the service needs is away, so that trying again makes sense. */
export class WriteUnavailableError extends WriteFailedError {
  override readonly name: string = "WriteUnavailableError";
}

/** Thrown when a write was not seen to happen and may have happened all the same; it may be asked for again. */
export class WriteUnseenError extends WriteFailedError {
  override readonly name: string = "WriteUnseenError";
}

/** {@link WriteUnseenError} because something that the service needs is away. */
export class WriteUnseenUnavailableError extends WriteUnavailableError {
  override readonly name: string = "WriteUnseenUnavailableError";
}

/** Reasons that several writes give. */
export const queueAway = "the job queue is unavailable";
export const storeAway = "the key store is unavailable";
export const notYetOut = "it is hidden now, but not yet out of Xray";

/** Thrown when it can't be told whether a key was created, now or later: any answer might be wrong. */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";
  /** Id of the create job. */
  readonly job: string;

  constructor(job: string) {
    super(`neither Redis nor MongoDB can tell what became of ${job}`);
    this.job = job;
  }
}

/** Thrown when another request that takes part in the same write has answered it. */
export class WriteSettledError extends Error {
  override readonly name = "WriteSettledError";
  readonly reply: JsonReply;

  constructor(reply: JsonReply) {
    super("another request answered this write");
    this.reply = reply;
  }
}

/** Thrown when the id of a write was used before for another request. */
export class WriteMismatchError extends Error {
  override readonly name = "WriteMismatchError";
}

/** Thrown when the shared store of writes does not answer. */
export class WriteRecordsUnavailableError extends Error {
  override readonly name = "WriteRecordsUnavailableError";
}

/** Thrown when nobody knows a write of this id. */
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
