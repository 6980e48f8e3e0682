import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EngineUnavailableError, NoEngineError, WrongBinaryError } from "./engine-errors.ts";
import { firstWay } from "./find-engine.ts";
import { findMongodb } from "./find-mongodb.ts";
import { findOnPath } from "./find-on-path.ts";
import { findRedis } from "./find-redis.ts";
import { findXray } from "./find-xray.ts";
import { installHint } from "./install-hint.ts";
import { allOrMissing } from "./resolve-engines.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-find-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function program(name: string, says: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\necho '${says}'\n`);
  await chmod(path, 0o755);
  return path;
}

const options = (env: NodeJS.ProcessEnv) => ({ progress: () => {}, env: { VEIL_CACHE_DIR: directory, ...env } });

describe("the ways to an engine", () => {
  test("are tried in turn until one leads to it", async () => {
    const found = await firstWay("redis", "install it", [
      async () => undefined,
      () => Promise.reject(new EngineUnavailableError("download: closed")),
      async () => "/usr/bin/redis-server",
      () => Promise.reject(new Error("never tried")),
    ]);
    expect(found).toBe("/usr/bin/redis-server");
  });

  test("that all fail are listed in one message, with what to install and with docker compose", async () => {
    const missing = allOrMissing([
      firstWay("mongodb", "install mongod", [
        () => Promise.reject(new EngineUnavailableError("go build: no Go on PATH")),
      ]),
      Promise.resolve("/usr/bin/redis-server"),
      firstWay("xray", "install Xray", [async () => undefined]),
    ]);
    await expect(missing).rejects.toThrow(NoEngineError);
    await expect(missing).rejects.toThrow(
      /no MongoDB, no Xray on this machine[^]*MongoDB: install mongod\n {4}tried: go build: no Go on PATH\n {2}Xray: install Xray\n[^]*docker compose up$/,
    );
  });

  test("do not hide an error of another kind behind a missing engine", async () => {
    const searches = allOrMissing([
      firstWay("xray", "install Xray", []),
      Promise.reject(new WrongBinaryError("REDIS_BINARY", "/bin/true", "is no Redis server")),
    ]);
    await expect(searches).rejects.toThrow();
  });

  test.each(["redis", "mongodb", "xray"] as const)("name something to do for %s on every system", (engine) => {
    for (const platform of ["linux", "darwin", "win32"] as const)
      expect(installHint(engine, platform)).toMatch(/install/);
  });
});

describe("programs on PATH", () => {
  test("are found by the order of their names, and only when they can be run", async () => {
    await writeFile(join(directory, "redis-server"), "no program");
    const valkey = await program("valkey-server", "");
    expect(await findOnPath(["redis-server", "valkey-server"], `/nowhere::${directory}`)).toBe(valkey);
    expect(await findOnPath(["mongod"], directory)).toBeUndefined();
  });

  test("serve before anything is fetched", async () => {
    const mongod = await program("mongod", "db version v8.0.0");
    const xray = await program("xray", "Xray 26.3.27 (Xray, Penetrates Everything.)");
    const redis = await program("redis-server", "");
    const env = { PATH: `${directory}:/bin:/usr/bin` };
    expect(await findMongodb(options(env))).toEqual({ kind: "mongod", path: mongod });
    expect(await findXray(options(env))).toBe(xray);
    expect(await findRedis(options(env))).toBe(redis);
  });
});

describe("a program that a setting names", () => {
  test("is used before one on PATH", async () => {
    const named = await program("my-xray", "Xray 26.3.27 (Xray, Penetrates Everything.)");
    expect(await findXray(options({ XRAY_BINARY: named, PATH: "/bin" }))).toBe(named);
  });

  test.each([
    ["REDIS_BINARY", findRedis],
    ["MONGOD_BINARY", findMongodb],
    ["XRAY_BINARY", findXray],
  ] as const)("is refused by the name of %s when it is another one or missing", async (setting, find) => {
    const other = await program("other", "hello");
    for (const path of [other, join(directory, "missing")]) {
      const finding = find(options({ [setting]: path, PATH: "/bin" }));
      await expect(finding).rejects.toThrow(WrongBinaryError);
      await expect(finding).rejects.toThrow(`${setting}=${path} is no`);
    }
  });
});
