import { EngineStartError } from "./engine-errors.ts";
import { describeExit, type ManagedProcess, startProcess, untilReady } from "./managed-process.ts";
import { isListening } from "./tcp.ts";

/** An engine that was started here and is ready. */
export interface EngineProcess extends ManagedProcess {
  readonly logFile: string;
}

export interface EngineCommand {
  /** For messages: "Redis". */
  title: string;
  binary: string;
  args: readonly string[];
  /** Receives both outputs. */
  logFile: string;
  env?: NodeJS.ProcessEnv;
  /** Ports of this machine that it will listen on. */
  ports: readonly number[];
  /** Resolves to true once the engine answers. Asked again and again. */
  isReady: () => Promise<boolean>;
  /** Milliseconds until which it must be ready; 30,000 when absent. */
  readyWithinMs?: number;
}

const QUOTED_LINES = 8;

/**
 * Starts an engine and waits until it is ready. When this process exits, so does the engine.
 *
 * @throws {EngineStartError} when a port of it is taken, it ends, or it is not ready in time; it is not left running then.
 */
export async function startEngineProcess(command: EngineCommand): Promise<EngineProcess> {
  const { title, binary, args, logFile, env, readyWithinMs = 30_000 } = command;
  await requireFreePorts(command);
  const engine = await startProcess({ binary, args, logFile, ownGroup: true, ...(env !== undefined && { env }) });
  const outcome = await untilReady(engine, command.isReady, readyWithinMs);
  if (outcome === "ready") return { ...engine, logFile };
  if (outcome === "late") await engine.stop(0);
  const fault = outcome === "late" ? `was not ready within ${readyWithinMs / 1_000} s.` : describeExit(outcome);
  throw new EngineStartError(title, fault, await engine.lastLines(QUOTED_LINES), logFile);
}

/** Otherwise the readiness of another process on that port would be taken for the engine's own. */
async function requireFreePorts({ title, ports, logFile }: EngineCommand): Promise<void> {
  for (const port of ports) {
    if (await isListening(port)) {
      throw new EngineStartError(title, `cannot listen on port ${port}: another program has it.`, [], logFile);
    }
  }
}
