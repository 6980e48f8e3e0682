import type { Clock } from "@veil/runtime";
import type { ChildRegistry } from "./child-registry.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { RunFile } from "./run-file.ts";
import type { StackSettings } from "./settings.ts";
import type { StopOrder } from "./stop-order.ts";
import type { Terminal } from "./terminal.ts";

/** The context of every step of the start. */
export interface StackContext {
  /** The environment with the `.env` of the project's root. */
  env: NodeJS.ProcessEnv;
  settings: StackSettings;
  data: DataDirectory;
  terminal: Terminal;
  runFile: RunFile;
  children: ChildRegistry;
  stopOrder: StopOrder;
  /** The parts of a supervision that are the same for every child. */
  supervision(name: string): { name: string; report: (line: string) => void; clock: Clock };
}

/** Thrown when the stack cannot start for a reason that its user can fix; the message is one sentence for them. */
export class StackStartError extends Error {
  override readonly name: string = "StackStartError";
}

/** Thrown when one of the services refuses its settings, which it has said itself. */
export class SettingsRefusedError extends StackStartError {
  override readonly name = "SettingsRefusedError";
}
