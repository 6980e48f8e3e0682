/** Thrown when the key store can't be reached or does not answer in time; a write may have happened. */
export class StoreUnavailableError extends Error {
  override readonly name: string = "StoreUnavailableError";

  constructor(cause: unknown, message = "the key store did not answer") {
    super(message, { cause });
  }
}

/** {@link StoreUnavailableError} of a store that answered, and refused for a while what it was asked: nothing happened. */
export class StoreRejectedError extends StoreUnavailableError {
  override readonly name: string = "StoreRejectedError";

  constructor(cause: unknown) {
    super(cause, "the key store refused");
  }
}

/**
 * Thrown when the one record that was asked for makes no sense to this version, or the store refuses to change it: it is damaged, or
 * a newer version wrote it. Nothing is known about what it stands for, and another attempt fails as well until somebody mends it.
 * Other records are not concerned.
 */
export class UnreadableRecordError extends Error {
  override readonly name = "UnreadableRecordError";
}

abstract class NodeError extends Error {
  readonly node: string;

  constructor(node: string, message: string, cause: unknown) {
    super(`node ${node}: ${message}`, { cause });
    this.node = node;
  }
}

/** Thrown when a node can't be reached: surely nothing happened. */
export class NodeUnreachableError extends NodeError {
  override readonly name = "NodeUnreachableError";

  constructor(node: string, cause: unknown) {
    super(node, "can't be reached", cause);
  }
}

/** Thrown when a node gave no answer in time: the operation may have happened, or may happen later. */
export class NodeIndeterminateError extends NodeError {
  override readonly name = "NodeIndeterminateError";

  constructor(node: string, cause: unknown) {
    super(node, "gave no answer", cause);
  }
}

/** Thrown when a node refuses an operation that it will refuse again. */
export class NodeRejectedError extends NodeError {
  override readonly name = "NodeRejectedError";

  constructor(node: string, cause: unknown) {
    super(node, "refused", cause);
  }
}

/** How an operation on a node failed, each with its own meaning for what happened there. */
export type NodeFailure = NodeUnreachableError | NodeIndeterminateError | NodeRejectedError;

/** Whether an error says how an operation on a node failed, and nothing of the store or a lease. */
export function isNodeError(error: unknown): error is NodeFailure {
  return error instanceof NodeError;
}

/** Thrown when another process holds a key's lease for longer than a caller waits, or may soon hold it instead of us. */
export class LeaseHeldError extends Error {
  override readonly name = "LeaseHeldError";

  constructor(subject: string) {
    super(`${subject} is being changed by another process`);
  }
}
