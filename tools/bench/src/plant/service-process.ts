import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type ServiceName = "api" | "xray-worker" | "stats-collector";

export interface ServiceProcess {
  readonly pid: number;
  /** @throws when it ends or is not ready within two minutes */
  untilReady(metricsPort: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ServiceCommand {
  readonly name: ServiceName;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Where it leaves a CPU profile when it ends; null for none. */
  readonly profileDir: string | null;
}

const readyWithinMs = 120_000;

/** Starts a compiled service with the flags of `npm start`. */
export function startService(command: ServiceCommand): ServiceProcess {
  const { name, env, logFile, profileDir } = command;
  const script = fileURLToPath(new URL(`../../../../services/${name}/dist/main.js`, import.meta.url));
  const profiling =
    profileDir === null
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`];
  const log = openSync(logFile, "a");
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, ["--enable-source-maps", ...profiling, script], {
    stdio: ["ignore", log, log],
    env: { PATH, HOME, NODE_ENV: "production", ...env },
  });
  const killWithUs = () => child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const exited = once(child, "exit").finally(() => process.off("exit", killWithUs));
  return {
    pid: child.pid ?? 0,
    untilReady: (metricsPort) => untilReady(`http://127.0.0.1:${metricsPort}/readyz`, name, () => child.exitCode),
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function untilReady(url: string, name: string, exitCode: () => number | null): Promise<void> {
  const giveUpAt = performance.now() + readyWithinMs;
  while (performance.now() < giveUpAt) {
    if (exitCode() !== null) throw new Error(`${name} ended with code ${exitCode()}`);
    const isReady = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${name} was not ready in time`);
}
