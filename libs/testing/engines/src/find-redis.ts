import { EngineUnavailableError, WrongBinaryError } from "./engine-errors.ts";
import { beginSearch, type FindOptions, firstWay, type Search } from "./find-engine.ts";
import { findOnPath } from "./find-on-path.ts";
import { installHint } from "./install-hint.ts";
import { withProgress } from "./progress.ts";
import { lastLines, runCommand } from "./run-command.ts";

const NAMES = ["redis-server", "valkey-server"] as const;
const APT_TIMEOUT_MS = 180_000;

/**
 * Path of a redis-server or valkey-server: REDIS_BINARY, PATH, then Debian's package when we are root there.
 *
 * @throws {WrongBinaryError} when REDIS_BINARY is something else.
 * @throws {NoEngineError} when there is none.
 */
export async function findRedis(options: FindOptions): Promise<string> {
  const search = beginSearch(options);
  return firstWay("redis", installHint("redis"), [
    () => named(search),
    () => findOnPath(NAMES, search.env["PATH"] ?? ""),
    () => installFromDebian(search),
  ]);
}

async function named({ env }: Search): Promise<string | undefined> {
  const path = env["REDIS_BINARY"];
  if (!path) return undefined;
  const { output } = await runCommand(path, ["--version"], { timeout: 10_000 });
  if (!/(redis|valkey) server/i.test(output)) {
    throw new WrongBinaryError(
      "REDIS_BINARY",
      path,
      "is no Redis server; for example REDIS_BINARY=/usr/bin/redis-server",
    );
  }
  return path;
}

async function installFromDebian({ env, progress }: Search): Promise<string | undefined> {
  const aptGet = await findOnPath(["apt-get"], env["PATH"] ?? "");
  if (!aptGet || process.getuid?.() !== 0) return undefined;
  await withProgress(progress, "Installing Debian's package redis-server", async () => {
    const apt = (...args: string[]) =>
      runCommand(aptGet, args, { timeout: APT_TIMEOUT_MS, env: { ...env, DEBIAN_FRONTEND: "noninteractive" } });
    await apt("update");
    const installed = await apt("install", "--yes", "--no-install-recommends", "redis-server");
    if (installed.code !== 0) {
      throw new EngineUnavailableError(`apt-get install redis-server: ${lastLines(installed.output, 1).join("")}`);
    }
  });
  return findOnPath(NAMES, env["PATH"] ?? "");
}
