import { randomBytes } from "node:crypto";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type EngineName, EngineUnavailableError, NoEngineError } from "./engine-errors.ts";
import { isExecutable } from "./find-on-path.ts";
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

/** The search of an engine, with the cache that the environment names or the default one. */
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

/**
 * Engines that were downloaded or built once. Names carry the version, so that a new pin is a new entry.
 * Several processes may fill it at once: each makes its own file and renames it into place, the last one stays.
 */
export class EngineCache {
  readonly directory: string;

  /** @param directory made when first needed. */
  constructor(directory: string) {
    this.directory = directory;
  }

  pathOf(name: string): string {
    return join(this.directory, name);
  }

  async find(name: string): Promise<string | undefined> {
    const path = this.pathOf(name);
    return (await isExecutable(path)) ? path : undefined;
  }

  /** Has `make` write an executable to a path of its own, and takes it in under `name` when that went well. */
  async add(name: string, make: (path: string) => Promise<void>): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    const unfinished = this.pathOf(`.${name}.${process.pid}.${randomBytes(4).toString("hex")}`);
    try {
      await make(unfinished);
      await chmod(unfinished, 0o755);
      await rename(unfinished, this.pathOf(name));
    } finally {
      await rm(unfinished, { force: true });
    }
    return this.pathOf(name);
  }
}
