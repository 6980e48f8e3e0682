import { join } from "node:path";
import { freePort } from "../tcp.ts";
import { startXray } from "../start-xray.ts";
import { writePrivateFile } from "@veil/runtime";
import { type XrayConfig, xrayConfig } from "@veil/xray-config";
import { KillableProcess, type ProcessFault } from "./killable-process.ts";

/** One Xray and where it is. */
export interface TestbedNode {
  readonly name: string;
  /** `host:port` of its gRPC API. */
  readonly api: string;
  /** Port of its VLESS inbound. */
  readonly port: number;
  readonly process: KillableProcess;
}

export interface TestbedNodeOptions {
  readonly name: string;
  readonly dir: string;
  readonly xrayBinary: string;
  readonly privateKey: string;
  /** Port of the stand-in for the site that REALITY borrows its face from. */
  readonly decoyPort: number;
  /** Changes the config before it is written. */
  readonly editXrayConfig?: ((config: XrayConfig) => object) | undefined;
  readonly onFault?: ((fault: ProcessFault) => void) | undefined;
}

export const INBOUND_TAG = "vless-in";
export const SERVER_NAME = "decoy.test";
export const SHORT_ID = "7bb45050";

/** An Xray on ports that it keeps, with its config; it is not started yet. */
export async function prepareNode(options: TestbedNodeOptions): Promise<TestbedNode> {
  const { name, dir, xrayBinary, editXrayConfig = (config) => config } = options;
  const [apiPort, port] = [await freePort(), await freePort()];
  const configFile = join(dir, `${name}.json`);
  const config = xrayConfig({
    apiPort,
    inboundPort: port,
    inboundListen: "127.0.0.1",
    inboundTag: INBOUND_TAG,
    realityTarget: `127.0.0.1:${options.decoyPort}`,
    serverNames: [SERVER_NAME],
    privateKey: options.privateKey,
    shortIds: [SHORT_ID],
    allowPrivate: true,
  });
  await writePrivateFile(configFile, JSON.stringify(editXrayConfig(config)));
  const logFile = join(dir, "logs", `xray-${name}.log`);
  const start = () => startXray({ binary: xrayBinary, configFile, apiPort, inboundPorts: [port], logFile });
  return { name, api: `127.0.0.1:${apiPort}`, port, process: new KillableProcess("xray", start, options.onFault) };
}
