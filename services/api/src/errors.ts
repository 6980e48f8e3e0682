/** Thrown when there is no key of this id that callers may see. */
export class KeyNotFoundError extends Error {
  override readonly name = "KeyNotFoundError";
  readonly keyId: number;

  constructor(keyId: number) {
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

/** Thrown when a write failed because something that the service needs is away, so that trying again makes sense. */
export class WriteUnavailableError extends WriteFailedError {
  override readonly name: string = "WriteUnavailableError";
}

/** Reasons that several writes give. */
export const queueAway = "the job queue is unavailable";
export const storeAway = "the key store is unavailable";

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

/** Thrown when the server's settings don't suffice for a share link. */
export class LinkNotConfiguredError extends Error {
  override readonly name = "LinkNotConfiguredError";
  readonly missing: "Reality public key" | "server domain";

  constructor(missing: LinkNotConfiguredError["missing"]) {
    super(`${missing} not configured`);
    this.missing = missing;
  }
}

/** Thrown when something took longer than the time it was given; it may still happen. */
export class TimeLimitError extends Error {
  override readonly name = "TimeLimitError";

  constructor(limitMs: number) {
    super(`took longer than ${limitMs} ms`);
  }
}
