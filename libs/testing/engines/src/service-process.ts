import { fileURLToPath } from "node:url";
import {
  describeExit,
  type ManagedProcess,
  plainEnvironment,
  type ProcessCommand,
  startProcess,
  untilReady,
} from "./managed-process.ts";

export type ServiceName = "api" | "xray-worker" | "stats-collector";

export interface ServiceCommand extends Pick<ProcessCommand, "env" | "logFile" | "onLine" | "ownGroup"> {
  readonly name: ServiceName;
  /** Options of Node beside those that every service is started with. */
  readonly nodeArgs?: readonly string[];
}

const servicesDir = new URL("../../../../services/", import.meta.url);
const READY_WITHIN_MS = 120_000;
const QUOTED_LINES = 8;

/** Starts one of our compiled services; resolves when the process is there, not when it is ready. */
export function startService({ name, nodeArgs = [], env, ...command }: ServiceCommand): Promise<ManagedProcess> {
  const script = fileURLToPath(new URL(`${name}/dist/main.js`, servicesDir));
  return startProcess({
    ...command,
    binary: process.execPath,
    args: [...nodeArgs, script],
    env: { NODE_ENV: "production", ...plainEnvironment(), ...env },
  });
}

/** @throws {Error} when the service ends, or is not ready within two minutes */
export async function untilServiceReady(name: string, service: ManagedProcess, opsUrl: string): Promise<void> {
  const outcome = await untilReady(service, () => isServiceReady(opsUrl), READY_WITHIN_MS);
  if (outcome === "ready") return;
  const fault = outcome === "late" ? "was not ready in time." : describeExit(outcome);
  throw new Error([`${name} ${fault}`, ...(await service.lastLines(QUOTED_LINES))].join("\n"));
}

const ANSWER_WITHIN_MS = 3_000;

/** Whether a service says that it and what it needs is there; a 200 alone says that of the service. */
export async function isServiceReady(opsUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${opsUrl}/readyz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return (await response.text()).startsWith('{"status":"ok"');
  } catch {
    return false;
  }
}
