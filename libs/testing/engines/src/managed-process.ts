import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { killWithParent } from "./kill-with-parent.ts";
import { RotatedLog, type RotatedLogOptions } from "./rotated-log.ts";

/** How a process ended: one of the two is set, or neither when it could not be started. */
export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that was started here and ends with this one at the latest. */
export interface ManagedProcess {
  readonly pid: number;
  /** Resolves when the process has ended and its output is in its log, for whatever reason. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Sends a signal. No effect once the process has ended. */
  signal(name: NodeJS.Signals): void;
  /**
   * Sends SIGTERM, and SIGKILL when the process has not ended after `graceMs` milliseconds (5,000); SIGKILL at once for 0.
   * Resolves when it has ended. Can be called again, also with a shorter grace.
   */
  stop(graceMs?: number): Promise<ProcessExit>;
  /** The lines that it wrote last; none without a log file. */
  lastLines(count: number): Promise<string[]>;
}

export interface ProcessCommand {
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** {@link plainEnvironment} when absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** Receives both outputs, appended, and is kept small by {@link RotatedLog}. The process writes it itself. */
  readonly logFile?: string;
  readonly log?: RotatedLogOptions;
  /** Called with each line of both outputs, which then come through this process; it can't outlive this one for long. */
  readonly onLine?: (line: string) => void;
  /**
   * A process group of its own: Ctrl-C in a terminal goes to the whole group of this process, and would end the child
   * before its turn has come.
   */
  readonly ownGroup?: boolean;
}

const DEFAULT_GRACE_MS = 5_000;
const ASK_AGAIN_AFTER_MS = 25;

/** Starts a process. That it could not be started shows in how it {@link ManagedProcess.exited}. */
export async function startProcess(command: ProcessCommand): Promise<ManagedProcess> {
  const { logFile, onLine } = command;
  if (logFile !== undefined) await mkdir(dirname(logFile), { recursive: true });
  const log = logFile === undefined ? undefined : await RotatedLog.open(logFile, command.log);
  const output = onLine === undefined ? (log?.fd ?? "ignore") : "pipe";
  const child = spawn(command.binary, command.args, {
    stdio: ["ignore", output, output],
    env: command.env ?? plainEnvironment(),
    detached: command.ownGroup ?? false,
    ...(command.cwd !== undefined && { cwd: command.cwd }),
  });
  killWithParent(child);
  if (onLine !== undefined) {
    readLines(child, (line) => {
      log?.append(line);
      onLine(line);
    });
  }
  const exited = exitOf(child).then(async (exit) => {
    await log?.close().catch(() => {});
    return exit;
  });
  return {
    pid: child.pid ?? 0,
    exited,
    signal: (name) => void child.kill(name),
    stop: async (graceMs = DEFAULT_GRACE_MS) => {
      child.kill(graceMs > 0 ? "SIGTERM" : "SIGKILL");
      const force = setTimeout(() => child.kill("SIGKILL"), graceMs);
      try {
        return await exited;
      } finally {
        clearTimeout(force);
      }
    },
    lastLines: async (count) => (await log?.lastLines(count)) ?? [],
  };
}

/**
 * Waits until a process answers.
 *
 * @param isReady is asked again and again, until it resolves to true.
 * @returns "ready", "late" when it was not so in time, or how the process ended instead.
 */
export async function untilReady(
  { exited }: Pick<ManagedProcess, "exited">,
  isReady: () => Promise<boolean>,
  withinMs: number,
): Promise<"ready" | "late" | ProcessExit> {
  const deadline = performance.now() + withinMs;
  let exit: ProcessExit | undefined;
  void exited.then((ended) => {
    exit = ended;
  });
  while (!(await isReady())) {
    if (exit !== undefined) return exit;
    if (performance.now() > deadline) return "late";
    await Promise.race([delay(ASK_AGAIN_AFTER_MS), exited]);
  }
  return "ready";
}

/** The end of the sentence "Redis …". */
export function describeExit({ code, signal }: ProcessExit): string {
  if (signal) return `was ended by ${signal}.`;
  return code === null ? "could not be started." : `ended with exit code ${code}.`;
}

/** The part of our environment that a program needs; the settings and secrets of the services are none of its business. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG, TZ } = process.env;
  return Object.fromEntries(
    Object.entries({ PATH, HOME, TMPDIR, LANG, TZ }).filter(([, value]) => value !== undefined),
  );
}

/** "close" comes when the outputs have been read, too, and also after a start that failed. */
function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once("error", () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const input of [child.stdout, child.stderr]) if (input !== null) createInterface({ input }).on("line", onLine);
}
