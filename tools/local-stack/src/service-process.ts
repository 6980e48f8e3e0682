import { spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { ProcessExit } from "@veil/local-engines";
import { readLogLine } from "./log-line.ts";
import type { Child } from "./supervise.ts";

export interface ServiceCommand {
  /** "api" */
  name: string;
  /** Its compiled main.js. */
  script: string;
  env: NodeJS.ProcessEnv;
  logFile: string;
  /** Receives what it says at the levels warning and above, and what is no log line at all. */
  onWarning: (line: string) => void;
}

const LOG_ROTATED_ABOVE_BYTES = 10 * 1024 * 1024;

/** Starts one of our services. Everything it writes goes to its log file, warnings to the terminal too. */
export async function startService(command: ServiceCommand): Promise<Child> {
  await rotate(command.logFile);
  const log = createWriteStream(command.logFile, { flags: "a", mode: 0o600 });
  const child = spawn(process.execPath, ["--enable-source-maps", command.script], {
    stdio: ["ignore", "pipe", "pipe"],
    env: command.env,
    // A process group of its own: Ctrl-C in a terminal must not reach it before its turn has come.
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) copyLines(stream, log, command);

  const killWithParent = () => child.kill("SIGKILL");
  process.once("exit", killWithParent);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("close", (code, signal) => resolve({ code, signal }));
  }).finally(() => {
    process.off("exit", killWithParent);
    log.end();
  });

  const stop = async (graceMs = 5_000) => {
    child.kill(graceMs > 0 ? "SIGTERM" : "SIGKILL");
    const force = setTimeout(() => child.kill("SIGKILL"), graceMs);
    try {
      return await exited;
    } finally {
      clearTimeout(force);
    }
  };
  return { pid: child.pid ?? 0, exited, stop };
}

function copyLines(stream: NodeJS.ReadableStream, log: WriteStream, { name, onWarning }: ServiceCommand): void {
  createInterface({ input: stream }).on("line", (line) => {
    log.write(`${line}\n`);
    const warning = readLogLine(line);
    if (warning !== undefined) onWarning(`${name}: ${warning}`);
  });
}

async function rotate(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_ROTATED_ABOVE_BYTES) await rename(logFile, `${logFile}.1`);
}
