import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ensureXrayConfig,
  freePort,
  makeRealityKeys,
  type RunningXray,
  startTlsDecoy,
  startXray,
} from "@veil/local-engines";
import { connectXrayNode } from "@veil/xray-gateway";
import mongoose from "mongoose";
import { Closers } from "./closers.ts";
import { addMeteredInbound } from "./metered-inbound.ts";
import { type Plant, type PlantOptions, untilUsers } from "./plant.ts";
import { seedKeys } from "./seed-keys.ts";
import { type ServiceName, startService } from "./service-process.ts";
import { startSink } from "./start-sink.ts";
import type { Engines } from "./start-engines.ts";

const apiKey = "the-key-of-the-benchmark-0123456789abcdef";
const inboundTag = "vless-in";
const serverName = "decoy.test";
const shortId = "7bb45050";

/** Starts a system of its own on the engines of the run, with keys in it, and waits until Xray holds them. */
export async function startPlant(options: PlantOptions, engines: Engines, profileDir: string | null): Promise<Plant> {
  const closers = new Closers();
  try {
    return await openPlant(options, engines, profileDir, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function openPlant(
  options: PlantOptions,
  engines: Engines,
  profileDir: string | null,
  closers: Closers,
): Promise<Plant> {
  const id = randomUUID().slice(0, 8);
  const dir = await mkdtemp(join(tmpdir(), "veil-bench-"));
  closers.add(() => rm(dir, { recursive: true, force: true }));
  const address = new URL(engines.mongodbUri);
  address.pathname = `/bench-${id}`;
  const mongo = await mongoose.createConnection(address.href).asPromise();
  closers.add(async () => {
    await mongo.dropDatabase();
    await mongo.close();
  });
  const seeded = await seedKeys(mongo, options.keys);

  const decoy = await startTlsDecoy({ serverName });
  closers.add(() => decoy.close());
  const [apiPort, xrayPort, realityPort, meteredPort] = await ports(4);
  const reality = makeRealityKeys();
  const configFile = join(dir, "xray.json");
  await ensureXrayConfig(configFile, {
    apiPort: xrayPort,
    inboundPort: realityPort,
    inboundListen: "127.0.0.1",
    inboundTag,
    realityTarget: `127.0.0.1:${decoy.port}`,
    serverNames: [serverName],
    privateKey: reality.privateKey,
    shortIds: [shortId],
    allowPrivate: true,
  });
  if (options.metered === true) {
    const config: unknown = JSON.parse(await readFile(configFile, "utf8"));
    const sink = await startSink();
    closers.add(() => sink.close());
    const metered = { port: meteredPort, sinkPort: sink.port };
    await writeFile(configFile, JSON.stringify(addMeteredInbound(config, metered, seeded)));
  }
  const start = () =>
    startXray({ binary: engines.xrayBinary, configFile, apiPort: xrayPort, inboundPorts: [realityPort] });
  let xrayProcess: RunningXray = await start();
  closers.add(() => xrayProcess.stop());
  const xray = connectXrayNode({ name: "bench", address: xrayProcess.api, inboundTag });
  closers.add(() => xray.close());

  const common = {
    REDIS_URL: engines.redisUrl,
    MONGODB_URI: address.href,
    QUEUE_PREFIX: `bench-${id}`,
    XRAY_API_HOST: "127.0.0.1",
    XRAY_API_PORT: String(xrayPort),
    XRAY_INBOUND_TAG: inboundTag,
    DOMAIN: "127.0.0.1",
    REALITY_SNI: serverName,
    REALITY_PORT: String(realityPort),
    REALITY_PUBLIC_KEY: reality.publicKey,
    REALITY_COMMON_SHORT_ID: shortId,
    METRICS_HOST: "127.0.0.1",
    SHUTDOWN_DEADLINE_MS: "4000",
  };
  const service = async (name: ServiceName, env: Readonly<Record<string, string>>) => {
    const metricsPort = await freePort();
    const logFile = join(dir, `${name}.log`);
    const variables = { ...common, METRICS_PORT: String(metricsPort), ...env };
    const started = startService({ name, env: variables, logFile, profileDir });
    closers.add(() => started.stop());
    await started.untilReady(metricsPort);
    return { metricsPort, pid: started.pid };
  };
  const [api, worker, collector] = await Promise.all([
    service("api", {
      API_HOST: "127.0.0.1",
      API_PORT: String(apiPort),
      API_SECRET_KEY: apiKey,
      RATE_LIMIT_PER_SECOND: "0",
    }),
    service("xray-worker", {}),
    service("stats-collector", options.metered === true ? { TRAFFIC_SYNC_INTERVAL_SECONDS: "3600" } : {}),
  ]);
  const plant: Plant = {
    keys: options.keys,
    seeded,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    workerMetricsUrl: `http://127.0.0.1:${worker.metricsPort}/metrics`,
    mongodbUri: address.href,
    mongo,
    xray,
    xrayApi: xrayProcess.api,
    meteredPort: options.metered === true ? meteredPort : 0,
    restartXray: async () => {
      process.kill(xrayProcess.pid, "SIGKILL");
      await xrayProcess.exited;
      xrayProcess = await start();
    },
    pids: () => ({
      services: { api: api.pid, worker: worker.pid, collector: collector.pid },
      engines: { ...engines.pids, xray: xrayProcess.pid },
    }),
    stop: () => closers.close(),
  };
  await untilUsers(plant, options.keys);
  return plant;
}

async function ports(count: 4): Promise<[number, number, number, number]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  const [a = 0, b = 0, c = 0, d = 0] = found;
  return [a, b, c, d];
}
