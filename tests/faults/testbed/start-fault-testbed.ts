import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Closers,
  type EngineAddresses,
  INBOUND_TAG,
  KillableProcess,
  prepareMongodb,
  prepareRedis,
  resolveEngines,
  type ServiceName,
  startTestbed,
  type Testbed,
  type TestbedNode,
  type TestbedService,
  type TestbedStore,
} from "@veil/engines";
import { type XrayConfig } from "@veil/xray-config";
import { openMongoStore, type MongoStore } from "@veil/mongo";
import { connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { ApiClient } from "../../support/api-client.ts";
import { type ByteServer, startByteServer } from "../../support/byte-server.ts";
import { CallWatch } from "../proxies/call-watch.ts";
import { startProxies } from "../proxies/start-proxies.ts";
import { Tally } from "../report/tally.ts";
import { type RedisPair, startReplica } from "./redis-pair.ts";
import { prepareClocks } from "./wrong-clocks.ts";

export interface FaultTestbedOptions {
  /** Names of the Xray nodes. Default one, `main`. */
  readonly nodes?: readonly string[];
  readonly workers?: number;
  readonly collectors?: number;
  /**
   * Services that reach their engines through proxies, so that a fault can be timed between two of their calls. All services find nodes
   * where the list of nodes says, so that all calls to nodes go through the proxies of the first of them that makes any.
   */
  readonly proxied?: readonly ServiceName[];
  /** Gives Redis a replica that can take over, behind one address for both: see {@link FaultTestbed.redisPair}. */
  readonly redisReplica?: boolean;
  /** Settings of all services over the ones of the testbed. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gives services clocks that can be set wrong by {@link FaultTestbed.setClock}. */
  readonly wrongClocks?: boolean;
}

/** The whole system and what a fault test does to it and asks it. */
export interface FaultTestbed {
  readonly redis: KillableProcess;
  /** Where {@link FaultTestbedOptions.redisReplica} is true; `redis` is the primary that it begins with. */
  readonly redisPair: RedisPair | null;
  readonly mongodb: KillableProcess;
  readonly nodes: Testbed["nodes"];
  readonly node: TestbedNode;
  readonly api: TestbedService;
  readonly workers: readonly TestbedService[];
  readonly collectors: readonly TestbedService[];
  readonly watches: Readonly<Record<ServiceName, CallWatch>>;
  readonly client: ApiClient;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly redisUrl: string;
  readonly xrayBinary: string;
  /** Straight to the engines, past all proxies. */
  readonly xray: ReadonlyMap<string, XrayNode>;
  readonly mongo: MongoStore;
  readonly bytes: ByteServer;
  readonly tally: Tally;
  readonly logDir: string;
  readonly processes: readonly KillableProcess[];
  /** Settings that all services have from their next start on, over the ones of the testbed. */
  changeSettings(env: Readonly<Record<string, string>>): void;
  /** Sets the clock of a service so far ahead of the machine's, at once. Milliseconds. */
  setClock(service: ServiceName, aheadMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** A user of the inbound that Veil does not own: it is in the config file, and nobody may ever touch it. */
export const unmanagedUser = { id: "3f0c9a52-8e0e-4d0e-9b52-5a6f1f6f8a01", email: "somebody@else.where" };
export const STOP_DEADLINE_MS = 10_000;
const API_KEY = "test-key-of-the-fault-tests-0123456789";

export async function startFaultTestbed(options: FaultTestbedOptions = {}): Promise<FaultTestbed> {
  const closers = new Closers();
  try {
    return await openTestbed(options, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function openTestbed(options: FaultTestbedOptions, closers: Closers): Promise<FaultTestbed> {
  const { workers = 1, collectors = 1, proxied = [] } = options;
  const binaries = await resolveEngines((line) => process.stderr.write(`${line}\n`));
  const dir = await mkdtemp(join(tmpdir(), "veil-faults-"));
  if (process.env["VEIL_KEEP_FAULT_LOGS"] === undefined) {
    closers.add(() => rm(dir, { recursive: true, force: true }));
  }
  const tally = new Tally();
  const onFault = tally.count.bind(tally);
  const { VEIL_FAULT_MONGODB_URI: running } = process.env;
  const redis = await prepareRedis(binaries.redis, { dir, onFault });
  const mongodb =
    running === undefined ? await prepareMongodb(binaries.mongodb, { dir, onFault }) : ownDatabaseAt(running);
  const stores = running === undefined ? [redis, mongodb] : [redis];
  closers.add(() => Promise.all(stores.map((store) => store.process.stop(0))));
  await Promise.all(stores.map((store) => store.process.start()));
  const redisPair = options.redisReplica === true ? await startReplica(redis, binaries.redis, { dir, onFault }) : null;
  if (redisPair !== null) closers.add(() => redisPair.stop());
  const redisUrl = redisPair?.url ?? redis.url;

  let changed: Readonly<Record<string, string>> = {};
  const clocks = await prepareClocks(dir);
  const watches = {
    api: new CallWatch(),
    "xray-worker": new CallWatch(),
    "stats-collector": new CallWatch(),
  };
  const through = new Map<ServiceName, EngineAddresses>();
  const testbed = await startTestbed({
    dir,
    redisUrl,
    mongodbUri: mongodb.url,
    xrayBinary: binaries.xray,
    editXrayConfig: withUnmanagedUser,
    apiKey: API_KEY,
    services: { "xray-worker": workers, "stats-collector": collectors },
    env: (service) => ({
      SHUTDOWN_DEADLINE_MS: String(STOP_DEADLINE_MS),
      RECONCILE_INTERVAL_SECONDS: "5",
      TRAFFIC_SYNC_INTERVAL_SECONDS: "1",
      ...options.env,
      ...changed,
      ...(options.wrongClocks && clocks.env(service)),
    }),
    nodeArgs: () => (options.wrongClocks ? clocks.nodeArgs : []),
    addressesFor: async (service, direct) => {
      for (const name of proxied) {
        if (through.has(name)) continue;
        const proxies = await startProxies(direct, watches[name]);
        closers.add(() => proxies.close());
        through.set(name, proxies.addresses);
      }
      const calling = proxied.find((name) => name !== "api");
      const { nodes } = (calling && through.get(calling)) ?? direct;
      return { ...(through.get(service) ?? direct), nodes };
    },
    onFault,
    ...(options.nodes !== undefined && { nodes: options.nodes }),
  });
  closers.add(() => testbed.stop(0));
  const bytes = await startByteServer();
  closers.add(() => bytes.stop());
  const mongo = openMongoStore({ uri: mongodb.url, onError: () => undefined });
  closers.add(() => mongo.close());
  const xray = new Map(
    testbed.nodes.map(({ name, api }) => [name, connectXrayNode({ name, address: api, inboundTag: INBOUND_TAG })]),
  );
  closers.add(() => {
    for (const connection of xray.values()) connection.close();
  });
  const [api] = testbed.services.api;
  if (api === undefined) throw new Error("a testbed has an API");
  return {
    redis: redis.process,
    redisPair,
    mongodb: mongodb.process,
    nodes: testbed.nodes,
    node: testbed.nodes[0],
    api,
    workers: testbed.services["xray-worker"],
    collectors: testbed.services["stats-collector"],
    watches,
    client: new ApiClient(testbed.apiUrl, API_KEY),
    apiUrl: testbed.apiUrl,
    apiKey: API_KEY,
    redisUrl,
    xrayBinary: binaries.xray,
    xray,
    mongo,
    bytes,
    tally,
    logDir: join(dir, "logs"),
    processes: [...testbed.processes, ...stores.map((store) => store.process)],
    changeSettings: (env) => {
      changed = env;
    },
    setClock: clocks.set,
    stop: () => closers.close(),
  };
}

/** A MongoDB that runs already, where a fault needs a larger one than the embedded engine: nothing is done to its process. */
function ownDatabaseAt(running: string): TestbedStore {
  const url = new URL(running);
  url.pathname = `veil-faults-${randomUUID()}`;
  const refuse = () => Promise.reject(new Error("the MongoDB of VEIL_FAULT_MONGODB_URI is not started here"));
  return { url: url.href, process: new KillableProcess("mongodb", refuse) };
}

function withUnmanagedUser({ inbounds, ...rest }: XrayConfig): object {
  const withUser = inbounds.map((inbound) => ({
    ...inbound,
    settings: { ...inbound.settings, clients: [unmanagedUser] },
  }));
  return { ...rest, inbounds: withUser };
}
