import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Closers,
  freePort,
  INBOUND_TAG,
  type KillableProcess,
  type ServiceName,
  startTestbed,
  type TestbedOptions,
  type TestbedService,
  untilServiceReady,
} from "@veil/engines";
import type { XrayConfig } from "@veil/xray-config";
import { connectXrayNode } from "@veil/xray-grpc";
import mongoose from "mongoose";
import { type BenchTestbed, type BenchTestbedOptions, type SeededKey, untilUsers } from "./bench-testbed.ts";
import { addMeteredInbound } from "./metered-inbound.ts";
import { seedKeys } from "./seed-keys.ts";
import type { Engines } from "./start-engines.ts";

const API_KEY = "the-key-of-the-benchmark-0123456789abcdef";

/** Starts a system of its own on the engines of the run, with keys in it, and waits until Xray holds them. */
export async function startBenchTestbed(
  options: BenchTestbedOptions,
  engines: Engines,
  profileDir: string | null,
): Promise<BenchTestbed> {
  const closers = new Closers();
  try {
    return await openTestbed(options, engines, profileDir, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function openTestbed(
  options: BenchTestbedOptions,
  engines: Engines,
  profileDir: string | null,
  closers: Closers,
): Promise<BenchTestbed> {
  const id = randomUUID().slice(0, 8);
  const dir = await mkdtemp(join(tmpdir(), "veil-bench-"));
  closers.add(() => rm(dir, { recursive: true, force: true }));
  const mongodb = new URL(engines.mongodbUri);
  mongodb.pathname = `/bench-${id}`;
  const mongo = await mongoose.createConnection(mongodb.href).asPromise();
  closers.add(async () => {
    await mongo.dropDatabase();
    await mongo.close();
  });
  const seeded = await seedKeys(mongo, options.keys);
  const metered = options.metered === true ? await meterKeys(seeded, closers) : null;

  const testbed = await startTestbed({
    dir,
    redisUrl: engines.redisUrl,
    mongodbUri: mongodb.href,
    xrayBinary: engines.xrayBinary,
    apiKey: API_KEY,
    nodes: Array.from({ length: options.nodes ?? 1 }, (_, index) => (index === 0 ? "main" : `node-${index + 1}`)),
    services: { "xray-worker": options.workers ?? 1, "stats-collector": options.collectors ?? 1 },
    env: (service) => ({
      QUEUE_PREFIX: `bench-${id}`,
      SHUTDOWN_DEADLINE_MS: "4000",
      RATE_LIMIT_PER_SECOND: "0",
      ...(metered !== null && service === "stats-collector" && { TRAFFIC_SYNC_INTERVAL_SECONDS: "3600" }),
    }),
    nodeArgs: (service) => (profileDir === null ? [] : profilingArgs(service, profileDir)),
    ...(metered !== null && { editXrayConfig: metered.editXrayConfig }),
  });
  closers.add(() => testbed.stop());
  const [node] = testbed.nodes;
  const connect = (address: string) => {
    const connected = connectXrayNode({ name: "bench", address, inboundTag: INBOUND_TAG });
    closers.add(() => connected.close());
    return connected;
  };
  const xray = connect(node.api);
  const others = testbed.nodes.slice(1).map(({ api: address }) => connect(address));
  const { api, "xray-worker": worker, "stats-collector": collector } = testbed.services;
  await Promise.all([...api, ...worker, ...collector].map(untilReady));
  const started: BenchTestbed = {
    keys: options.keys,
    seeded,
    apiUrl: testbed.apiUrl,
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    workerMetricsUrl: `${worker[0]?.opsUrl}/metrics`,
    metricsUrls: [...api, ...worker, ...collector].map(({ opsUrl }) => `${opsUrl}/metrics`),
    mongodbUri: mongodb.href,
    mongo,
    xray,
    xrayApi: node.api,
    meteredPort: metered?.port ?? 0,
    restartXray: () => node.process.restart(),
    pids: () => ({
      services: { ...pidsOf("api", api), ...pidsOf("worker", worker), ...pidsOf("collector", collector) },
      engines: { ...engines.pids, ...pidsOf("xray", testbed.nodes) },
    }),
    stop: () => closers.close(),
  };
  for (const each of [xray, ...others]) await untilUsers({ xray: each }, options.keys);
  return started;
}

interface MeteredKeys extends Required<Pick<TestbedOptions, "editXrayConfig">> {
  readonly port: number;
}

async function meterKeys(seeded: readonly SeededKey[], closers: Closers): Promise<MeteredKeys> {
  const sink = await startSink();
  closers.add(() => sink.close());
  const ports = { port: await freePort(), sinkPort: sink.port };
  return { port: ports.port, editXrayConfig: (config: XrayConfig) => addMeteredInbound(config, ports, seeded) };
}

function profilingArgs(service: ServiceName, profileDir: string): string[] {
  return ["--cpu-prof", `--cpu-prof-dir=${profileDir}`, `--cpu-prof-name=${service}-${Date.now()}.cpuprofile`];
}

function untilReady({ process, opsUrl }: TestbedService): Promise<void> {
  return untilServiceReady(process.name, process.current, opsUrl);
}

/** The first by the name alone, the others with their number. */
function pidsOf(name: string, started: readonly { readonly process: KillableProcess }[]): Record<string, number> {
  return Object.fromEntries(
    started.map(({ process }, index) => [index === 0 ? name : `${name} ${index + 1}`, process.current.pid]),
  );
}

/** A TCP server that takes everything, answers nothing and closes when its client has said all. */
interface Sink {
  readonly port: number;
  close(): Promise<void>;
}

async function startSink(): Promise<Sink> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.resume();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: portOf(server.address()),
    close: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the sink listens on no port");
  return address.port;
}
