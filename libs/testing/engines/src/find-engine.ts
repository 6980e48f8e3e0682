import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineCache } from "./engine-cache.ts";
import { type EngineName, EngineUnavailableError, NoEngineError } from "./engine-errors.ts";
import type { Progress } from "./progress.ts";

export interface FindOptions {
  progress: Progress;
  /** `process.env` when absent: PATH, VEIL_CACHE_DIR, REDIS_BINARY, MONGOD_BINARY, XRAY_BINARY are read. */
  env?: NodeJS.ProcessEnv;
}

/** The parameters of every way to an engine. */
export interface Search {
  progress: Progress;
  env: NodeJS.ProcessEnv;
  cache: EngineCache;
}

/** The directory of this package, which holds the Go modules; it is the parent of both `src` and `dist`. */
export const packageDirectory = fileURLToPath(new URL("..", import.meta.url));

const defaultCacheDirectory = fileURLToPath(new URL("../../../../.cache/engines", import.meta.url));

export function beginSearch({ progress, env = process.env }: FindOptions): Search {
  return { progress, env, cache: new EngineCache(resolve(env["VEIL_CACHE_DIR"] || defaultCacheDirectory)) };
}

/**
 * Tries each way in turn; the first one that leads to the engine wins.
 *
 * @param ways resolve to undefined, or throw EngineUnavailableError with a reason worth telling, when they lead nowhere.
 * @param install what a person would do instead, as a command or a sentence.
 * @throws {NoEngineError} when none leads to it.
 */
export async function firstWay<T>(
  engine: EngineName,
  install: string,
  ways: ReadonlyArray<() => Promise<T | undefined>>,
): Promise<T> {
  const tried: string[] = [];
  for (const way of ways) {
    try {
      const found = await way();
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) throw error;
      tried.push(error.message);
    }
  }
  throw new NoEngineError([{ engine, tried, install }]);
}
