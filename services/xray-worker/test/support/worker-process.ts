import { isServiceReady, startService, untilReady } from "@veil/engines";

/** The built worker as a process of its own. */
export interface WorkerProcess {
  /** Its log so far, one object a line. */
  readonly log: readonly Record<string, unknown>[];
  /** Resolves with the first line of the log, from now on or before, that has this message. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** The text of its metrics page. */
  metrics(): Promise<string>;
  /** SIGTERM. @returns the exit code, null when a signal ended it */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** Starts it and resolves when it is running. @throws {Error} with its log when it ends instead */
export async function startWorkerProcess(metricsPort: number, env: Record<string, string>): Promise<WorkerProcess> {
  const log: Record<string, unknown>[] = [];
  const waiting: { message: string; resolve: (line: Record<string, unknown>) => void }[] = [];
  const opsUrl = `http://127.0.0.1:${metricsPort}`;
  const worker = await startService({
    name: "xray-worker",
    env: { METRICS_HOST: "127.0.0.1", METRICS_PORT: String(metricsPort), LOG_LEVEL: "debug", ...env },
    onLine: (text) => {
      const line = parseLine(text);
      log.push(line);
      for (const { resolve } of waiting.filter(({ message }) => message === line["msg"])) resolve(line);
    },
  });
  const outcome = await untilReady(worker, () => isServiceReady(opsUrl), Number.POSITIVE_INFINITY);
  if (outcome !== "ready") throw new Error(`the worker ended:\n${log.map((line) => JSON.stringify(line)).join("\n")}`);
  return {
    log,
    logged: (message) =>
      new Promise((resolve) => {
        const line = log.find(({ msg }) => msg === message);
        if (line === undefined) waiting.push({ message, resolve });
        else resolve(line);
      }),
    metrics: async () => (await fetch(`${opsUrl}/metrics`)).text(),
    stop: async () => {
      worker.signal("SIGTERM");
      return (await worker.exited).code;
    },
    kill: async () => {
      await worker.stop(0);
    },
  };
}

/** A line that is not of the log, such as a warning of Node, is its own message. */
function parseLine(text: string): Record<string, unknown> {
  return text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : { msg: text };
}
