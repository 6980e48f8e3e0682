import { spawn } from "node:child_process";
import { killWithParent } from "./kill-with-parent.ts";

/** How a command ended, and what it printed on both outputs. */
export interface CommandResult {
  /** `null` when a signal ended it or it could not be started. */
  code: number | null;
  output: string;
}

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds after which it is killed. Without it, it may take for ever. */
  timeout?: number;
}

/** Runs a command to its end. Never throws: a command that cannot be started has code `null` and says why. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      killSignal: "SIGKILL",
      ...options,
    });
    killWithParent(child);
    let output = "";
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ code: null, output: error.message }));
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** The last non-empty lines of a text. */
export function lastLines(text: string, count: number): string[] {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-count);
}
