import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { StartedProcess } from "./victim.ts";

export type ServiceName = "api" | "xray-worker" | "stats-collector";

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

const servicesDir = new URL("../../../services/", import.meta.url);

/** Starts a compiled service; its log is appended to the file. Resolves when the process is there, not when it is ready. */
export async function startService(
  name: ServiceName,
  env: Readonly<Record<string, string>>,
  logFile: string,
): Promise<StartedProcess> {
  const log = await open(logFile, "a", 0o600);
  try {
    const child = spawn(process.execPath, [fileURLToPath(new URL(`${name}/dist/main.js`, servicesDir))], {
      stdio: ["ignore", log.fd, log.fd],
      env: { PATH: process.env["PATH"] ?? "", NODE_ENV: "production", ...env },
    });
    await once(child, "spawn");
    running.add(child);
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    }).finally(() => running.delete(child));
    return { pid: child.pid ?? 0, exited };
  } finally {
    await log.close();
  }
}
