/** Thrown when the stack cannot start for a reason that its user can fix; the message is one sentence for them. */
export class StackStartError extends Error {
  override readonly name: string = "StackStartError";
}

/** Thrown when one of the services refuses its settings, which it has said itself. */
export class SettingsRefusedError extends StackStartError {
  override readonly name = "SettingsRefusedError";
}
