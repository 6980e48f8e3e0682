import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EngineProcess, startTlsDecoy, startXray } from "@veil/engines";
import { ensureXrayConfig, makeRealityKeys } from "@veil/xray-config";
import getPort from "get-port";

/** A real Xray with one empty VLESS+REALITY inbound, on free ports, for one test file. */
export interface TestXray {
  /** `host:port` of its gRPC API. */
  readonly api: string;
  readonly inboundTag: string;
  readonly inboundPort: number;
  readonly publicKey: string;
  readonly serverName: string;
  readonly shortId: string;
  readonly process: EngineProcess;
  /** Ends it as a crash would and resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same ports, with the configuration that it had: no users. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestXrayOptions {
  /** What its REALITY target does with an idle connection: websites keep it. "close", which is quick, when absent. */
  readonly targetIdle?: "close" | "keep";
}

/** Starts it with a target whose certificate it trusts; on macOS that takes no effect, see `XrayOptions.trustedRoots`. */
export async function startTestXray(binary: string, { targetIdle = "close" }: TestXrayOptions = {}): Promise<TestXray> {
  const dir = await mkdtemp(join(tmpdir(), "veil-xray-"));
  const serverName = "decoy.test";
  const decoy = await startTlsDecoy({ serverName, idle: targetIdle });
  const apiPort = await getPort();
  const inboundPort = await getPort();
  const { privateKey, publicKey } = makeRealityKeys();
  const shortId = "7bb45050";
  const configFile = join(dir, "xray.json");
  await ensureXrayConfig(configFile, {
    apiPort,
    inboundPort,
    inboundListen: "127.0.0.1",
    realityTarget: `127.0.0.1:${decoy.port}`,
    serverNames: [serverName],
    privateKey,
    shortIds: [shortId],
    allowPrivate: true,
  });
  const trustedRoots = join(dir, "roots.pem");
  await writeFile(trustedRoots, decoy.certificate);
  const start = () => startXray({ binary, configFile, apiPort, inboundPorts: [inboundPort], trustedRoots });
  let running = await start();
  const kill = async () => {
    process.kill(running.pid, "SIGKILL");
    await running.exited;
  };
  return {
    api: running.api,
    inboundTag: "vless-in",
    inboundPort,
    publicKey,
    serverName,
    shortId,
    get process() {
      return running;
    },
    kill,
    restart: async () => {
      await kill();
      running = await start();
    },
    stop: async () => {
      await running.stop();
      await decoy.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
