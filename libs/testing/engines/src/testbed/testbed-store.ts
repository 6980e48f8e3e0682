import { join } from "node:path";
import { freePort } from "../tcp.ts";
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
  /** Of its process, its log and its data in `dir`, where several share one. Default: the engine's. */
  readonly name?: string;
  readonly onFault?: ((fault: ProcessFault) => void) | undefined;
}

/** A Redis on a port that it keeps; it is not started yet. */
export async function prepareRedis(binary: string, options: TestbedStoreOptions): Promise<TestbedStore> {
  const { dir, name = "redis", onFault } = options;
  const port = await freePort();
  const logFile = join(dir, "logs", `${name}.log`);
  const start = () => startRedis({ binary, dataDir: join(dir, name), port, logFile });
  return { url: `redis://127.0.0.1:${port}`, process: new KillableProcess(name, start, onFault) };
}

/** A MongoDB on a port that it keeps; it is not started yet. */
export async function prepareMongodb(
  engine: MongodbEngine,
  { dir, name = "mongodb", onFault }: TestbedStoreOptions,
): Promise<TestbedStore> {
  const port = await freePort();
  const logFile = join(dir, "logs", `${name}.log`);
  const start = () => startMongodb({ engine, dataDir: join(dir, name), port, logFile });
  return { url: `mongodb://127.0.0.1:${port}/veil`, process: new KillableProcess(name, start, onFault) };
}
