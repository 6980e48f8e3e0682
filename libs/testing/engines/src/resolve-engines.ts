import { NoEngineError } from "./engine-errors.ts";
import { findMongodb } from "./find-mongodb.ts";
import { findRedis } from "./find-redis.ts";
import { findXray } from "./find-xray.ts";
import type { Progress } from "./progress.ts";
import type { MongodbEngine } from "./start-mongodb.ts";

export interface Engines {
  /** Path of redis-server or valkey-server. */
  redis: string;
  mongodb: MongodbEngine;
  /** Path of Xray. */
  xray: string;
}

/**
 * Finds, fetches or builds all three engines at once.
 *
 * @throws {NoEngineError} naming all that are missing.
 * @throws {WrongBinaryError} when a setting names another program.
 */
export async function resolveEngines(progress: Progress, env: NodeJS.ProcessEnv = process.env): Promise<Engines> {
  const options = { progress, env };
  const [redis, mongodb, xray] = await allOrMissing([findRedis(options), findMongodb(options), findXray(options)]);
  return { redis, mongodb, xray };
}

/**
 * Like Promise.all over searches, but waits for every one of them and puts all their NoEngineErrors into one.
 */
export async function allOrMissing<T extends readonly unknown[]>(
  searches: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const ended = await Promise.allSettled(searches);
  const isOnlyMissing = (one: PromiseSettledResult<unknown>) =>
    one.status === "fulfilled" || one.reason instanceof NoEngineError;
  if (ended.every(isOnlyMissing)) {
    const missing = ended.flatMap((one) =>
      one.status === "rejected" && one.reason instanceof NoEngineError ? one.reason.missing : [],
    );
    if (missing.length > 0) throw new NoEngineError(missing);
  }
  return Promise.all(searches);
}
