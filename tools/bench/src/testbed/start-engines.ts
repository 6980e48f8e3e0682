import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findMongodb, findRedis, findXray, startMongodb, startRedis } from "@veil/engines";

/** The engines of a whole run. Each system that is measured has a database, a queue prefix and an Xray of its own. */
export interface Engines {
  readonly redisUrl: string;
  readonly mongodbUri: string;
  /** The kind of MongoDB: `embedded`, `mongod`, or `given` from outside. */
  readonly mongodbKind: string;
  readonly xrayBinary: string;
  /** Process ids of those that were started here. */
  readonly pids: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** Starts Redis and MongoDB, or takes those of `REDIS_URL` and `MONGODB_URI`. */
export async function startEngines(say: (line: string) => void): Promise<Engines> {
  const { REDIS_URL, MONGODB_URI } = process.env;
  const dataDir = await mkdtemp(join(tmpdir(), "veil-bench-engines-"));
  const search = { progress: say };
  const xrayBinary = await findXray(search);
  const redis =
    REDIS_URL === undefined
      ? await startRedis({ binary: await findRedis(search), dataDir: join(dataDir, "redis") })
      : null;
  const mongodbEngine = MONGODB_URI === undefined ? await findMongodb(search) : null;
  const mongodb =
    mongodbEngine === null
      ? null
      : await startMongodb({ engine: mongodbEngine, dataDir: join(dataDir, "mongodb"), database: "bench" });
  return {
    redisUrl: REDIS_URL ?? redis?.url ?? "",
    mongodbUri: MONGODB_URI ?? mongodb?.uri ?? "",
    mongodbKind: mongodbEngine?.kind ?? "given",
    xrayBinary,
    pids: { ...(redis !== null && { redis: redis.pid }), ...(mongodb !== null && { mongodb: mongodb.pid }) },
    stop: async () => {
      await redis?.stop();
      await mongodb?.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
