import { join } from "node:path";
import {
  type Engines,
  makeRealityKeys,
  startMongodb,
  startRedis,
  startTlsDecoy,
  startXray,
  writePrivateFile,
  xrayConfig,
} from "@veil/local-engines";
import getPort from "get-port";
import type { Tally } from "../report/tally.ts";
import { Victim } from "./victim.ts";

/** One Xray and where it is. */
export interface PlantNode {
  readonly name: string;
  /** `host:port` of its gRPC API. */
  readonly api: string;
  readonly port: number;
  readonly process: Victim;
}

export interface PlantEngines {
  readonly redis: Victim;
  readonly mongodb: Victim;
  readonly redisPort: number;
  readonly mongodbPort: number;
  readonly nodes: readonly PlantNode[];
  readonly reality: { readonly publicKey: string; readonly privateKey: string };
  /** Ends the stand-in for the site that REALITY borrows its face from. */
  stopDecoy(): Promise<void>;
}

export const inboundTag = "vless-in";
export const serverName = "decoy.test";
export const shortId = "7bb45050";

/** A user of the inbound that is not ours: it stands in the config file, and nobody may ever touch it. */
export const foreignUser = { id: "3f0c9a52-8e0e-4d0e-9b52-5a6f1f6f8a01", email: "somebody@else.where" };

/** Starts the engines on ports that they keep, so that each can be killed and started again. */
export async function startEngines(
  { redis, mongodb, xray }: Engines,
  dataDir: string,
  nodeNames: readonly string[],
  tally: Tally,
): Promise<PlantEngines> {
  const decoy = await startTlsDecoy({ serverName });
  const reality = makeRealityKeys();
  const [redisPort, mongodbPort] = [await getPort(), await getPort()];
  const log = (name: string) => join(dataDir, "logs", `${name}.log`);
  const redisProcess = new Victim(
    "redis",
    () => startRedis({ binary: redis, dataDir: join(dataDir, "redis"), port: redisPort, logFile: log("redis") }),
    tally,
  );
  const mongodbProcess = new Victim(
    "mongodb",
    () =>
      startMongodb({ engine: mongodb, dataDir: join(dataDir, "mongodb"), port: mongodbPort, logFile: log("mongodb") }),
    tally,
  );
  const nodes = await Promise.all(nodeNames.map((name) => prepareNode(name)));
  await Promise.all([redisProcess, mongodbProcess, ...nodes.map(({ process }) => process)].map((one) => one.start()));
  return {
    redis: redisProcess,
    mongodb: mongodbProcess,
    redisPort,
    mongodbPort,
    nodes,
    reality,
    stopDecoy: () => decoy.close(),
  };

  async function prepareNode(name: string): Promise<PlantNode> {
    const [apiPort, port] = [await getPort(), await getPort()];
    const configFile = join(dataDir, `${name}.json`);
    const options = {
      apiPort,
      inboundPort: port,
      inboundListen: "127.0.0.1",
      inboundTag,
      realityTarget: `127.0.0.1:${decoy.port}`,
      serverNames: [serverName],
      privateKey: reality.privateKey,
      shortIds: [shortId],
      allowPrivate: true,
    };
    await writePrivateFile(configFile, JSON.stringify(xrayConfig(options, [foreignUser])));
    const start = () =>
      startXray({ binary: xray, configFile, apiPort, inboundPorts: [port], logFile: log(`xray-${name}`) });
    return { name, api: `127.0.0.1:${apiPort}`, port, process: new Victim("xray", start, tally) };
  }
}
