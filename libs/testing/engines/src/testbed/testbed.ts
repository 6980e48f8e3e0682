import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeRealityKeys } from "@veil/xray-config";
import { type ServiceName, startService } from "../service-process.ts";
import { freePort } from "../tcp.ts";
import { startTlsDecoy } from "../tls-decoy.ts";
import { KillableProcess, type ProcessFault } from "./killable-process.ts";
import {
  INBOUND_TAG,
  prepareNode,
  SERVER_NAME,
  SHORT_ID,
  type TestbedNode,
  type TestbedNodeOptions,
} from "./testbed-node.ts";

export interface TestbedOptions extends Pick<TestbedNodeOptions, "xrayBinary" | "editXrayConfig"> {
  /** Made when missing; holds configs, and logs in `logs`. It stays when the testbed has stopped. */
  readonly dir: string;
  /** Stores that run. */
  readonly redisUrl: string;
  readonly mongodbUri: string;
  /** Names of the Xray nodes; `main` alone when absent. */
  readonly nodes?: readonly string[];
  /** How many processes of each service; one when absent. */
  readonly services?: Readonly<Partial<Record<ServiceName, number>>>;
  readonly apiKey: string;
  /** Settings over the ones that the testbed makes; asked at every start of a service. */
  readonly env?: (service: ServiceName) => Readonly<Record<string, string>>;
  readonly nodeArgs?: (service: ServiceName) => readonly string[];
  /** Puts something between the processes of a service and its engines; they reach them directly when absent. */
  readonly addressesFor?: (service: ServiceName, direct: EngineAddresses) => Promise<EngineAddresses>;
  readonly onFault?: (fault: ProcessFault) => void;
}

/** A service process and where its metrics and probes are. */
export interface TestbedService {
  readonly process: KillableProcess;
  readonly opsUrl: string;
}

/** The system as real processes on free ports, without a supervisor: what is killed stays dead until it is started again. */
export interface Testbed {
  /** At least one. */
  readonly nodes: readonly [TestbedNode, ...TestbedNode[]];
  readonly services: Readonly<Record<ServiceName, readonly TestbedService[]>>;
  readonly apiUrl: string;
  /** Straight to the engines. */
  readonly addresses: EngineAddresses;
  readonly reality: { readonly publicKey: string; readonly privateKey: string };
  /** Services first, then nodes. */
  readonly processes: readonly KillableProcess[];
  /** Ends the services, with so many milliseconds to do so by themselves (10,000), then the nodes. */
  stop(graceMs?: number): Promise<void>;
}

const SERVICES = ["api", "xray-worker", "stats-collector"] as const;
const STOP_GRACE_MS = 10_000;

/** Starts it, and resolves when the nodes are ready and the services are on their way. */
export async function startTestbed(options: TestbedOptions): Promise<Testbed> {
  const closers = new Closers();
  try {
    return await openTestbed(options, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function openTestbed(options: TestbedOptions, closers: Closers): Promise<Testbed> {
  const { dir, apiKey, redisUrl, mongodbUri, onFault } = options;
  await mkdir(join(dir, "logs"), { recursive: true });
  const decoy = await startTlsDecoy({ serverName: SERVER_NAME });
  closers.add(() => decoy.close());
  const reality = makeRealityKeys();
  const common = { ...options, privateKey: reality.privateKey, decoyPort: decoy.port };
  const [firstName = "main", ...names] = options.nodes ?? [];
  const nodes: [TestbedNode, ...TestbedNode[]] = [await prepareNode({ ...common, name: firstName })];
  for (const name of names) nodes.push(await prepareNode({ ...common, name }));
  const addresses = { redisUrl, mongodbUri, nodes: nodes.map(({ name, api }) => ({ name, address: api })) };
  const apiPort = await freePort();
  const shared = { apiPort, apiKey, realityPort: nodes[0].port, realityPublicKey: reality.publicKey };

  const prepareServices = async (name: ServiceName): Promise<TestbedService[]> => {
    const reached = (await options.addressesFor?.(name, addresses)) ?? addresses;
    const prepared: TestbedService[] = [];
    for (let index = 0; index < (options.services?.[name] ?? 1); index += 1) {
      const opsPort = await freePort();
      const settings = serviceSettings(reached, { ...shared, opsPort });
      const logFile = join(dir, "logs", `${name}-${index}.log`);
      const nodeArgs = options.nodeArgs?.(name) ?? [];
      const env = () => ({ ...settings, ...options.env?.(name) });
      const start = () => startService({ name, env: env(), logFile, nodeArgs });
      prepared.push({
        process: new KillableProcess(name, start, onFault),
        opsUrl: `http://127.0.0.1:${opsPort}`,
      });
    }
    return prepared;
  };
  const services = {
    api: await prepareServices("api"),
    "xray-worker": await prepareServices("xray-worker"),
    "stats-collector": await prepareServices("stats-collector"),
  };
  const serviceProcesses = SERVICES.flatMap((name) => services[name].map(({ process }) => process));
  const nodeProcesses = nodes.map(({ process }) => process);
  let stopGraceMs = STOP_GRACE_MS;
  closers.add(() => Promise.all(nodeProcesses.map((node) => node.stop(stopGraceMs))));
  closers.add(() => Promise.all(serviceProcesses.map((service) => service.stop(stopGraceMs))));
  await Promise.all(nodeProcesses.map((node) => node.start()));
  await Promise.all(serviceProcesses.map((service) => service.start()));
  return {
    nodes,
    services,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    addresses,
    reality,
    processes: [...serviceProcesses, ...nodeProcesses],
    stop: async (graceMs = STOP_GRACE_MS) => {
      stopGraceMs = graceMs;
      await closers.close();
    },
  };
}

/** Closes everything that was opened, in the opposite order; also when opening the rest fails. */
export class Closers {
  readonly #closers: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Closes everything, each once. @throws the first failure, after everything was tried */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Where a service finds its engines. */
export interface EngineAddresses {
  readonly redisUrl: string;
  readonly mongodbUri: string;
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
}

interface ServicePorts {
  readonly opsPort: number;
  readonly apiPort: number;
  readonly apiKey: string;
  readonly realityPort: number;
  readonly realityPublicKey: string;
}

/** The settings of a service of a testbed; what a service does not know it does not read. */
function serviceSettings(addresses: EngineAddresses, ports: ServicePorts): Record<string, string> {
  return {
    REDIS_URL: addresses.redisUrl,
    MONGODB_URI: addresses.mongodbUri,
    XRAY_NODES: JSON.stringify(addresses.nodes),
    XRAY_INBOUND_TAG: INBOUND_TAG,
    METRICS_HOST: "127.0.0.1",
    METRICS_PORT: String(ports.opsPort),
    API_HOST: "127.0.0.1",
    API_PORT: String(ports.apiPort),
    API_SECRET_KEY: ports.apiKey,
    DOMAIN: "127.0.0.1",
    REALITY_PORT: String(ports.realityPort),
    REALITY_SERVER_NAME: SERVER_NAME,
    REALITY_SNI: SERVER_NAME,
    REALITY_PUBLIC_KEY: ports.realityPublicKey,
    REALITY_COMMON_SHORT_ID: SHORT_ID,
  };
}
