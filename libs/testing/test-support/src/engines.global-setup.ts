import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findMongodb, findRedis, findXray, startMongodb, startRedis } from "@veil/engines";
import type { TestProject } from "vitest/node";

/** Where the engines of this test run listen, and the binaries that tests start themselves. */
declare module "vitest" {
  export interface ProvidedContext {
    redisUrl: string;
    mongodbUri: string;
    xrayBinary: string;
  }
}

/**
 * Starts one Redis and one MongoDB for a test run, or uses those of `REDIS_URL` and `MONGODB_URI`.
 *
 * Test files keep apart by a queue prefix and a database of their own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const dataDir = await mkdtemp(join(tmpdir(), "veil-test-"));
  const stops: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })];

  let redisUrl = process.env["REDIS_URL"];
  if (redisUrl === undefined) {
    const redis = await startRedis({ binary: await findRedis({ progress }), dataDir: join(dataDir, "redis") });
    stops.unshift(() => redis.stop());
    redisUrl = redis.url;
  }
  let mongodbUri = process.env["MONGODB_URI"];
  if (mongodbUri === undefined) {
    const mongodb = await startMongodb({ engine: await findMongodb({ progress }), dataDir: join(dataDir, "mongodb") });
    stops.unshift(() => mongodb.stop());
    mongodbUri = mongodb.uri;
  }
  project.provide("redisUrl", redisUrl);
  project.provide("mongodbUri", mongodbUri);
  project.provide("xrayBinary", await findXray({ progress }));

  return async () => {
    for (const stop of stops) await stop();
  };
}
