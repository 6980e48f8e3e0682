import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveEngines } from "@veil/local-engines";
import { openMongoStore, type MongoStore } from "@veil/mongo-store";
import { connectXrayNode, type XrayNode } from "@veil/xray-gateway";
import getPort from "get-port";
import { ApiClient } from "../../support/api-client.ts";
import { type ByteServer, startByteServer } from "../../support/byte-server.ts";
import { Tally } from "../report/tally.ts";
import { CallWatch } from "../taps/call-watch.ts";
import { inboundTag, type PlantEngines, type PlantNode, serverName, shortId, startEngines } from "./start-engines.ts";
import { type ServiceName, startService } from "./start-service.ts";
import { directAddresses, type EngineAddresses, startTaps, type Taps } from "./start-taps.ts";
import { Victim } from "./victim.ts";

export interface PlantOptions {
  /** Names of the Xray nodes. Default one, `main`. */
  readonly nodes?: readonly string[];
  readonly workers?: number;
  readonly collectors?: number;
  /** Services that reach their engines through taps, so that a fault can be timed between two of their calls. */
  readonly tapped?: readonly ServiceName[];
  /** Settings of all services over the ones of the plant. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A service process and where its metrics and probes are. */
export interface PlantService {
  readonly process: Victim;
  readonly opsUrl: string;
}

/** The whole system as real processes, without a supervisor: what is killed stays dead until it is started again. */
export interface Plant {
  readonly engines: PlantEngines;
  readonly node: PlantNode;
  readonly api: PlantService;
  readonly workers: readonly PlantService[];
  readonly collectors: readonly PlantService[];
  readonly watches: Readonly<Record<ServiceName, CallWatch>>;
  readonly client: ApiClient;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly xrayBinary: string;
  /** Straight to the engines, past all taps. */
  readonly xray: ReadonlyMap<string, XrayNode>;
  readonly mongo: MongoStore;
  readonly bytes: ByteServer;
  readonly tally: Tally;
  readonly logDir: string;
  readonly processes: readonly Victim[];
  stop(): Promise<void>;
}

const apiKey = "test-key-of-the-fault-tests-0123456789";
export const deadlineOfStopMs = 10_000;

export async function startPlant(options: PlantOptions = {}): Promise<Plant> {
  const { nodes = ["main"], workers = 1, collectors = 1, tapped = [] } = options;
  const binaries = await resolveEngines((line) => process.stderr.write(`${line}\n`));
  const dataDir = await mkdtemp(join(tmpdir(), "veil-faults-"));
  const logDir = join(dataDir, "logs");
  await mkdir(logDir);
  const tally = new Tally();
  const engines = await startEngines(binaries, dataDir, nodes, tally);
  const watches = {
    api: new CallWatch(),
    "xray-worker": new CallWatch(),
    "stats-collector": new CallWatch(),
  };
  const taps: Taps[] = [];
  const apiPort = await getPort();
  const services = {
    api: await makeAll("api", 1),
    workers: await makeAll("xray-worker", workers),
    collectors: await makeAll("stats-collector", collectors),
  };
  const [api] = services.api;
  const [node] = engines.nodes;
  if (api === undefined || node === undefined) throw new Error("a plant has an API and a node");
  const serviceProcesses = [api, ...services.workers, ...services.collectors].map(({ process }) => process);
  await Promise.all(serviceProcesses.map((one) => one.start()));

  const direct = directAddresses(engines);
  const bytes = await startByteServer();
  const mongo = openMongoStore({ uri: direct.mongodbUri, onError: () => undefined });
  const xray = new Map(
    direct.nodes.map(({ name, address }) => [name, connectXrayNode({ name, address, inboundTag })] as const),
  );
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const engineProcesses = [engines.redis, engines.mongodb, ...engines.nodes.map(({ process }) => process)];
  const processes = [...serviceProcesses, ...engineProcesses];
  return {
    engines,
    node,
    api,
    workers: services.workers,
    collectors: services.collectors,
    watches,
    client: new ApiClient(apiUrl, apiKey),
    apiUrl,
    apiKey,
    xrayBinary: binaries.xray,
    xray,
    mongo,
    bytes,
    tally,
    logDir,
    processes,
    stop: async () => {
      for (const connection of xray.values()) connection.close();
      await mongo.close();
      for (const one of processes) await one.kill();
      for (const tap of taps) await tap.close();
      await bytes.stop();
      await engines.stopDecoy();
      if (process.env["VEIL_KEEP_FAULT_LOGS"] === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };

  async function makeAll(name: ServiceName, count: number): Promise<PlantService[]> {
    const addresses = tapped.includes(name) ? await tapEngines(name) : directAddresses(engines);
    return Promise.all(Array.from({ length: count }, (_, index) => makeOne(name, index, addresses)));
  }

  async function tapEngines(name: ServiceName): Promise<EngineAddresses> {
    const started = await startTaps(engines, watches[name]);
    taps.push(started);
    return started.addresses;
  }

  async function makeOne(name: ServiceName, index: number, addresses: EngineAddresses): Promise<PlantService> {
    const opsPort = await getPort();
    const env = { ...serviceEnv(addresses, engines, opsPort, apiPort), ...options.env };
    const logFile = join(logDir, `${name}-${index}.log`);
    const process = new Victim(name, () => startService(name, env, logFile), tally);
    return { process, opsUrl: `http://127.0.0.1:${opsPort}` };
  }
}

function serviceEnv(
  { redisUrl, mongodbUri, nodes }: EngineAddresses,
  engines: PlantEngines,
  opsPort: number,
  apiPort: number,
): Record<string, string> {
  const [node] = engines.nodes;
  return {
    REDIS_URL: redisUrl,
    MONGODB_URI: mongodbUri,
    XRAY_NODES: JSON.stringify(nodes),
    XRAY_INBOUND_TAG: inboundTag,
    METRICS_HOST: "127.0.0.1",
    METRICS_PORT: String(opsPort),
    SHUTDOWN_DEADLINE_MS: String(deadlineOfStopMs),
    RECONCILE_INTERVAL_SECONDS: "5",
    TRAFFIC_SYNC_INTERVAL_SECONDS: "1",
    API_HOST: "127.0.0.1",
    API_PORT: String(apiPort),
    API_SECRET_KEY: apiKey,
    DOMAIN: "127.0.0.1",
    REALITY_PORT: String(node?.port ?? 0),
    REALITY_SERVER_NAME: serverName,
    REALITY_SNI: serverName,
    REALITY_PUBLIC_KEY: engines.reality.publicKey,
    REALITY_COMMON_SHORT_ID: shortId,
  };
}
