import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The built worker as a process of its own. */
export interface WorkerProcess {
  /** Its log so far, one object a line. */
  readonly log: readonly Record<string, unknown>[];
  /** Resolves with the first line of the log, from now on or before, that has this message. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** What its metrics page says. */
  metrics(): Promise<string>;
  /** SIGTERM. @returns the exit code, null when a signal ended it */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** Starts it and resolves when it is running. @throws with its log when it ends instead */
export async function startWorkerProcess(metricsPort: number, env: Record<string, string>): Promise<WorkerProcess> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [main], {
    env: { PATH, HOME, METRICS_HOST: "127.0.0.1", METRICS_PORT: String(metricsPort), LOG_LEVEL: "debug", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const log: Record<string, unknown>[] = [];
  const waiting: { message: string; resolve: (line: Record<string, unknown>) => void }[] = [];
  const exited = once(child, "exit");
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    log.push(line);
    for (const { resolve } of waiting.filter(({ message }) => message === line["msg"])) resolve(line);
  });
  const worker: WorkerProcess = {
    log,
    logged: (message) =>
      new Promise((resolve) => {
        const line = log.find(({ msg }) => msg === message);
        if (line === undefined) waiting.push({ message, resolve });
        else resolve(line);
      }),
    metrics: async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      return child.exitCode;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
  const ended = exited.then(() => {
    throw new Error(`the worker ended:\n${log.map((line) => JSON.stringify(line)).join("\n")}`);
  });
  await Promise.race([untilRunning(metricsPort), ended]);
  ended.catch(() => undefined);
  return worker;
}

async function untilRunning(metricsPort: number): Promise<void> {
  const isReady = () =>
    fetch(`http://127.0.0.1:${metricsPort}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) await new Promise((resolve) => setTimeout(resolve, 25));
}
