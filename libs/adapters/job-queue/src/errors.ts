/** Thrown when Redis can't be reached, refuses what it is asked for, or did not answer in time. */
export class QueueUnavailableError extends Error {
  override readonly name = "QueueUnavailableError";
  /** True when the request had left and no reply says that it was refused: it may have been carried out. */
  readonly mayHaveHappened: boolean;

  constructor(mayHaveHappened: boolean, cause: unknown) {
    super("Redis did not answer", { cause });
    this.mayHaveHappened = mayHaveHappened;
  }
}

/** Thrown when a stored payload or result does not have the shape that the catalogue gives it. */
export class JobShapeError extends Error {
  override readonly name = "JobShapeError";
}

/** Thrown by a handler when another attempt can't change the outcome; the job goes to the failed set at once. */
export class PermanentJobError extends Error {
  override readonly name = "PermanentJobError";
}
