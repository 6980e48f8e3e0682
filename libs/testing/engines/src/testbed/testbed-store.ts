import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { type MongodbEngine, startMongodb } from "../start-mongodb.ts";
import { startRedis } from "../start-redis.ts";
import { KillableProcess, type ProcessFault } from "./killable-process.ts";

/** A Redis or MongoDB of a testbed. */
export interface TestbedStore {
  readonly url: string;
  readonly process: KillableProcess;
}

export interface TestbedStoreOptions {
  readonly dir: string;
  readonly onFault?: ((fault: ProcessFault) => void) | undefined;
}

/** A Redis on a port that it keeps; it is not started yet. */
export async function prepareRedis(binary: string, { dir, onFault }: TestbedStoreOptions): Promise<TestbedStore> {
  const port = await freePort();
  const logFile = join(dir, "logs", "redis.log");
  const start = () => startRedis({ binary, dataDir: join(dir, "redis"), port, logFile });
  return { url: `redis://127.0.0.1:${port}`, process: new KillableProcess("redis", start, onFault) };
}

/** A MongoDB on a port that it keeps; it is not started yet. */
export async function prepareMongodb(
  engine: MongodbEngine,
  { dir, onFault }: TestbedStoreOptions,
): Promise<TestbedStore> {
  const port = await freePort();
  const logFile = join(dir, "logs", "mongodb.log");
  const start = () => startMongodb({ engine, dataDir: join(dir, "mongodb"), port, logFile });
  return { url: `mongodb://127.0.0.1:${port}/veil`, process: new KillableProcess("mongodb", start, onFault) };
}
