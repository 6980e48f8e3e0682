import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort, tcpExchange } from "./tcp.ts";
import { type EngineProcess, startEngineProcess } from "./engine-process.ts";

export interface RunningRedis extends EngineProcess {
  /** "redis://127.0.0.1:PORT" */
  url: string;
  port: number;
}

export interface RedisOptions {
  /** Path of redis-server or valkey-server. */
  binary: string;
  /** Holds the append-only file and, when no other place is given, the log. Made when missing. */
  dataDir: string;
  /** A free one when absent. */
  port?: number;
  logFile?: string;
  /** `everysec` (default) may lose the last second when the whole machine dies, `always` nothing at about 0.6 of the rate. */
  appendFsync?: "everysec" | "always" | "no";
  /** A node of a cluster that has no slots yet, which no service can work with. */
  cluster?: boolean;
}

/** Nodes of a cluster talk to each other 10,000 ports above: below 32,768 no outgoing connection has that one. */
const HIGHEST_OF_CLUSTER = 22_767;
/** Far above what the system keeps there: a Redis that is full refuses writes, which is better than the whole machine's end. */
const MAX_MEMORY = "512mb";

/**
 * Starts Redis on loopback with its append-only file on, a bounded memory and no eviction, as BullMQ needs it.
 *
 * @throws {EngineStartError} when it does not answer.
 */
export async function startRedis(options: RedisOptions): Promise<RunningRedis> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const port = options.port ?? (await freePort(options.cluster === true ? HIGHEST_OF_CLUSTER : undefined));
  const engine = await startEngineProcess({
    title: "Redis",
    binary: options.binary,
    args: redisArguments(options, port),
    logFile: options.logFile ?? join(options.dataDir, "redis.log"),
    ports: [port],
    isReady: () => tcpExchange(port, (received) => received.toString().startsWith("+PONG"), Buffer.from("PING\r\n")),
  });
  return { ...engine, port, url: `redis://127.0.0.1:${port}` };
}

function redisArguments({ dataDir, appendFsync = "everysec", cluster = false }: RedisOptions, port: number): string[] {
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    "protected-mode": "yes",
    dir: dataDir,
    appendonly: "yes",
    appendfsync: appendFsync,
    save: "",
    maxmemory: MAX_MEMORY,
    "maxmemory-policy": "noeviction",
    daemonize: "no",
    "cluster-enabled": cluster ? "yes" : "no",
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}
