import { spawn } from "node:child_process";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EngineStartError } from "./engine-errors.ts";
import { lastLines } from "./run-command.ts";
import { isListening } from "./tcp-exchange.ts";

/** How a process ended: one of the two is set. */
export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that was started here and is ready. */
export interface EngineProcess {
  pid: number;
  logFile: string;
  /** Settles when the process has ended, for whatever reason. Never rejects. */
  exited: Promise<ProcessExit>;
  /**
   * Sends SIGTERM, and SIGKILL when the process has not ended after `graceMs` milliseconds (5,000). Settles when it has
   * ended. Can be called again, also with a shorter grace.
   */
  stop(graceMs?: number): Promise<ProcessExit>;
}

export interface EngineCommand {
  /** For messages: "Redis". */
  title: string;
  binary: string;
  args: readonly string[];
  /** Receives both outputs; appended to. Rotated to `<logFile>.1` above 10 MB. */
  logFile: string;
  env?: NodeJS.ProcessEnv;
  /** Ports of this machine that it will listen on. */
  ports: readonly number[];
  /** Resolves to true once the engine answers. Asked again and again. */
  isReady: () => Promise<boolean>;
  /** Milliseconds until which it must be ready; 30,000 when absent. */
  readyWithinMs?: number;
}

const ASK_AGAIN_AFTER_MS = 25;
const LOG_ROTATED_ABOVE_BYTES = 10 * 1024 * 1024;

/**
 * Starts an engine and waits until it is ready. When this process exits, so does the engine.
 *
 * @throws EngineStartError when a port of it is taken, it ends, or it is not ready in time; it is not left running then.
 */
export async function startEngineProcess(command: EngineCommand): Promise<EngineProcess> {
  await mkdir(dirname(command.logFile), { recursive: true });
  await rotateLog(command.logFile);
  await requireFreePorts(command);
  const log = await open(command.logFile, "a", 0o600);
  const logStart = (await log.stat()).size;
  try {
    const child = spawn(command.binary, command.args, {
      stdio: ["ignore", log.fd, log.fd],
      env: command.env ?? plainEnvironment(),
      // A process group of its own: Ctrl-C in a terminal goes to the whole group, and engines end last, not first.
      detached: true,
    });
    const engine = track(child, command.logFile);
    await waitUntilReady(command, engine, logStart);
    return engine;
  } finally {
    await log.close();
  }
}

/** Otherwise the readiness of a stranger on that port would be taken for the engine's own. */
async function requireFreePorts({ title, ports, logFile }: EngineCommand): Promise<void> {
  for (const port of ports) {
    if (await isListening(port)) {
      throw new EngineStartError(title, `cannot listen on port ${port}: another program has it.`, [], logFile);
    }
  }
}

function track(child: ReturnType<typeof spawn>, logFile: string): EngineProcess {
  const killWithParent = () => child.kill("SIGKILL");
  process.once("exit", killWithParent);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  }).finally(() => process.off("exit", killWithParent));

  const stop = async (graceMs = 5_000) => {
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), graceMs);
    try {
      return await exited;
    } finally {
      clearTimeout(force);
    }
  };
  return { pid: child.pid ?? 0, logFile, exited, stop };
}

async function waitUntilReady(command: EngineCommand, engine: EngineProcess, logStart: number): Promise<void> {
  const readyWithinMs = command.readyWithinMs ?? 30_000;
  const deadline = Date.now() + readyWithinMs;
  let exit: ProcessExit | undefined;
  const noting = async () => {
    exit = await engine.exited;
  };
  void noting();
  const fail = async (fault: string) =>
    new EngineStartError(command.title, fault, await tail(command.logFile, logStart), command.logFile);

  while (!(await command.isReady())) {
    if (exit) throw await fail(describeExit(exit));
    if (Date.now() > deadline) {
      await engine.stop(0);
      throw await fail(`was not ready within ${readyWithinMs / 1_000} s.`);
    }
    await Promise.race([delay(ASK_AGAIN_AFTER_MS), engine.exited]);
  }
}

/** The end of the sentence "Redis …". */
export function describeExit({ code, signal }: ProcessExit): string {
  if (signal) return `was ended by ${signal}.`;
  return code === null ? "could not be started." : `ended with exit code ${code}.`;
}

/** What an engine needs of our environment; the settings and secrets of the services are none of its business. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG, TZ } = process.env;
  return Object.fromEntries(
    Object.entries({ PATH, HOME, TMPDIR, LANG, TZ }).filter(([, value]) => value !== undefined),
  );
}

async function rotateLog(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_ROTATED_ABOVE_BYTES) await rename(logFile, `${logFile}.1`);
}

async function tail(logFile: string, from: number): Promise<string[]> {
  const log = await open(logFile, "r");
  try {
    const { size } = await log.stat();
    const start = Math.max(from, size - 8_192);
    const { buffer, bytesRead } = await log.read(Buffer.alloc(8_192), 0, 8_192, start);
    return lastLines(buffer.subarray(0, bytesRead).toString(), 8);
  } finally {
    await log.close();
  }
}
