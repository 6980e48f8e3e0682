import { dirname, join } from "node:path";
import { type EngineProcess, startEngineProcess } from "./engine-process.ts";
import { plainEnvironment } from "./managed-process.ts";
import { isListening } from "./tcp.ts";

export interface RunningXray extends EngineProcess {
  /** Address of its gRPC API, "127.0.0.1:PORT". */
  api: string;
}

export interface XrayOptions {
  binary: string;
  configFile: string;
  /** Port of the gRPC API in the config. It answers last, so it shows readiness. */
  apiPort: number;
  /** Ports of its inbounds in the config, so that an error names one that is taken. */
  inboundPorts?: readonly number[];
  /** Beside the config file when absent. */
  logFile?: string;
  /** PEM file of the root certificates that it trusts, instead of the system's; without effect on macOS. */
  trustedRoots?: string;
}

/**
 * Starts Xray with a config file and waits until its gRPC API takes connections.
 *
 * @throws {EngineStartError} when the config is refused or a port is taken.
 */
export async function startXray(options: XrayOptions): Promise<RunningXray> {
  const engine = await startEngineProcess({
    title: "Xray",
    binary: options.binary,
    args: ["run", "-config", options.configFile],
    logFile: options.logFile ?? join(dirname(options.configFile), "xray.log"),
    env: {
      ...plainEnvironment(),
      // With Vision, Xray splices connections in the kernel and counts their bytes only at their end.
      XRAY_BUF_SPLICE: "disable",
      ...(options.trustedRoots !== undefined && { SSL_CERT_FILE: options.trustedRoots }),
    },
    ports: [options.apiPort, ...(options.inboundPorts ?? [])],
    isReady: () => isListening(options.apiPort),
  });
  return { ...engine, api: `127.0.0.1:${options.apiPort}` };
}
