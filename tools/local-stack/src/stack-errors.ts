/** Thrown when the stack cannot start for a reason that its user can mend; the message is one sentence for them. */
export class StackStartError extends Error {
  override readonly name = "StackStartError";
}
