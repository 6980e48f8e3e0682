import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildGoModule } from "./build-go-module.ts";
import { EngineUnavailableError, WrongBinaryError } from "./engine-errors.ts";
import { requireReachable } from "./fetch-archive.ts";
import { beginSearch, type FindOptions, firstWay, packageDirectory, type Search } from "./find-engine.ts";
import { findOnPath } from "./find-on-path.ts";
import { installHint } from "./install-hint.ts";
import { withProgress } from "./progress.ts";
import { runCommand } from "./run-command.ts";
import type { MongodbEngine } from "./start-mongodb.ts";

/** Pinned; mongodb-memory-server-core checks the archive against the checksum published beside it. */
const MONGOD_VERSION = "8.2.6";
const MONGOD_SITE = "https://fastdl.mongodb.org/";

const embeddedModule = {
  directory: join(packageDirectory, "embedded-mongodb"),
  package: ".",
  needsGo: [1, 21],
} as const;

/**
 * A mongod (MONGOD_BINARY, PATH, cache, download), or our own main around FerretDB, built with Go.
 *
 * @throws {WrongBinaryError} when MONGOD_BINARY is something else.
 * @throws {NoEngineError} when there is none.
 */
export async function findMongodb(options: FindOptions): Promise<MongodbEngine> {
  const search = beginSearch(options);
  const embeddedName = `embedded-mongodb-${await fingerprint(embeddedModule.directory)}`;
  const mongodName = `mongod-${MONGOD_VERSION}`;
  return firstWay("mongodb", installHint("mongodb"), [
    async () => asMongod(await named(search)),
    async () => asMongod(await findOnPath(["mongod"], search.env["PATH"] ?? "")),
    async () => asMongod(await search.cache.find(mongodName)),
    async () => asEmbedded(await search.cache.find(embeddedName)),
    async () => asMongod(await download(search, mongodName)),
    async () => asEmbedded(await build(search, embeddedName)),
  ]);
}

const asMongod = (path: string | undefined): MongodbEngine | undefined => (path ? { kind: "mongod", path } : undefined);
const asEmbedded = (path: string | undefined): MongodbEngine | undefined =>
  path ? { kind: "embedded", path } : undefined;

async function named({ env }: Search): Promise<string | undefined> {
  const path = env["MONGOD_BINARY"];
  if (!path) return undefined;
  if (!(await isMongod(path))) {
    throw new WrongBinaryError("MONGOD_BINARY", path, "is no mongod; for example MONGOD_BINARY=/usr/bin/mongod");
  }
  return path;
}

async function isMongod(path: string): Promise<boolean> {
  const { code, output } = await runCommand(path, ["--version"], { timeout: 10_000 });
  return code === 0 && output.includes("db version");
}

function download({ progress, cache }: Search, name: string): Promise<string> {
  return withProgress(progress, `Downloading MongoDB ${MONGOD_VERSION}`, async () => {
    await requireReachable(MONGOD_SITE);
    return cache.add(name, async (target) => {
      const { MongoBinary } = await import("mongodb-memory-server-core");
      const downloadDir = `${target}.download`;
      try {
        const binary = await MongoBinary.getPath({ version: MONGOD_VERSION, downloadDir, checkMD5: true });
        // A library that is missing here, or a processor without AVX, shows only when it runs.
        if (!(await isMongod(binary)))
          throw new EngineUnavailableError(`download: MongoDB ${MONGOD_VERSION} does not run here`);
        await rename(binary, target);
      } catch (error) {
        if (error instanceof EngineUnavailableError) throw error;
        throw new EngineUnavailableError(`download: MongoDB ${MONGOD_VERSION} failed`, { cause: error });
      } finally {
        await rm(downloadDir, { recursive: true, force: true });
      }
    });
  });
}

function build({ progress, cache, env }: Search, name: string): Promise<string> {
  return withProgress(
    progress,
    "Building an embedded MongoDB (FerretDB on SQLite) from its Go modules, about three minutes",
    () => cache.add(name, (target) => buildGoModule(embeddedModule, target, env)),
  );
}

/** Changes with every file of the module, so that an edit is built anew. */
async function fingerprint(directory: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await readdir(directory)).toSorted())
    hash.update(file).update(await readFile(join(directory, file)));
  return hash.digest("hex").slice(0, 12);
}
