import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isListening } from "@veil/engines";
import { readSettings } from "@veil/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureApiKey } from "./api-key.ts";
import { ChildRegistry, startMarkOf } from "./child-registry.ts";
import { openDataDirectory } from "./data-directory.ts";
import { dataSecrets } from "./data-secrets.ts";
import { ensureRealityIdentity } from "./reality-identity.ts";
import { requireBindable } from "./require-bindable.ts";
import { RunFile } from "./run-file.ts";
import { runningMongodb } from "./running-mongodb.ts";
import { stackSettings } from "./settings.ts";
import { StackStartError } from "./stack-context.ts";
import { lockDataDirectory } from "./stack-lock.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-data-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const inDirectory = (name: string) => join(directory, name);
const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8);
const settingsOf = (env: NodeJS.ProcessEnv) => readSettings(stackSettings, { program: "npm start", env });

describe("the data directory", () => {
  test("is made for this user alone, with all directories above it", async () => {
    const data = await openDataDirectory(directory, "a/b/.veil");
    expect(data.root).toBe(inDirectory("a/b/.veil"));
    expect(await modeOf(data.root)).toBe("700");
    await expect(openDataDirectory(directory, "a/b/.veil")).resolves.toMatchObject({ root: data.root });
  });

  test.each(["file/below", "/proc/nope"])("is refused in one sentence when it cannot be made at %s", async (path) => {
    await writeFile(inDirectory("file"), "");
    const opening = openDataDirectory(directory, path);
    await expect(opening).rejects.toThrow(StackStartError);
    await expect(opening).rejects.toThrow(/^VEIL_DATA_DIR cannot be written: .*example: VEIL_DATA_DIR=/);
  });
});

describe("the API key", () => {
  test("is made once, long enough, and read by its owner alone", async () => {
    const file = inDirectory("api-key");
    const key = await ensureApiKey(file, undefined);
    expect(key).toMatch(/^[\w-]{48}$/);
    expect(await modeOf(file)).toBe("600");
    expect(await ensureApiKey(file, undefined)).toBe(key);
  });

  test("is the first one of the setting when that is set", async () => {
    const file = inDirectory("api-key");
    await ensureApiKey(file, undefined);
    expect(await ensureApiKey(file, "botA:first,botB:second")).toBe("first");
    expect(await readFile(file, "utf8")).toBe("first\n");
  });
});

describe("the REALITY identity", () => {
  test("stays the same from start to start, so that links stay valid", async () => {
    const file = inDirectory("reality.json");
    const first = await ensureRealityIdentity(file, settingsOf({}));
    expect(await modeOf(file)).toBe("600");
    expect(await ensureRealityIdentity(file, settingsOf({}))).toEqual(first);
  });

  test("is not replaced when its file is damaged", async () => {
    const file = inDirectory("reality.json");
    await writeFile(file, '{"privateKey":');
    await expect(ensureRealityIdentity(file, settingsOf({}))).rejects.toThrow(/is damaged/);
    expect(await readFile(file, "utf8")).toBe('{"privateKey":');
  });

  test.each(["", '{"privateKey":', "{}", '{"privateKey":"short","port":443}'])(
    "is not backed up from a damaged file, which is named with what would be right: %j",
    async (content) => {
      const data = await openDataDirectory(directory, ".");
      await writeFile(data.realityFile, content);
      const right = 'it has to be {"privateKey": "…", "port": …}, a key of 43 characters and a port from 1 to 65535';
      await expect(dataSecrets(data).read()).rejects.toThrow(`${data.realityFile} is damaged: ${right}.`);
    },
  );

  test("is backed up as it is", async () => {
    const data = await openDataDirectory(directory, ".");
    expect(await dataSecrets(data).read()).toEqual({});
    const { privateKey, port } = await ensureRealityIdentity(data.realityFile, settingsOf({}));
    const secrets = { "reality-private-key": privateKey, "reality-port": String(port) };
    expect(await dataSecrets(data).read()).toEqual(secrets);
  });

  test("is refused when another program has its port", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    const starting = ensureRealityIdentity(inDirectory("reality.json"), settingsOf({ REALITY_PORT: port }));
    await expect(starting).rejects.toThrow(/is taken by another program.*REALITY_PORT/);
    other.close();
  });
});

describe("the lock of the data directory", () => {
  test("keeps out a second stack and names the first", async () => {
    const unlock = await lockDataDirectory(inDirectory("stack.lock"));
    await expect(lockDataDirectory(inDirectory("stack.lock"))).rejects.toThrow(`process ${process.pid}`);
    await unlock();
    await (await lockDataDirectory(inDirectory("stack.lock")))();
  });

  test("goes to one of several that start at once over a lock whose owner died", async () => {
    const lock = inDirectory("stack.lock");
    for (let round = 0; round < 40; round += 1) {
      await writeFile(lock, JSON.stringify({ pid: 2 ** 30, startMark: "long ago" }));
      const starts = await Promise.allSettled(Array.from({ length: 12 }, () => lockDataDirectory(lock)));
      const got = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
      const refusals = starts.flatMap((start) => (start.status === "rejected" ? [start.reason] : []));
      expect(got).toHaveLength(1);
      for (const refusal of refusals) expect(refusal).toBeInstanceOf(StackStartError);
      for (const unlock of got) await unlock();
    }
  });

  test("left by a process that is gone, or whose number another one has now, counts for nothing", async () => {
    for (const left of [
      { pid: 4_194_303, startMark: "1" },
      { pid: process.pid, startMark: "0" },
    ]) {
      await writeFile(inDirectory("stack.lock"), JSON.stringify(left));
      const unlock = await lockDataDirectory(inDirectory("stack.lock"));
      expect(await readFile(inDirectory("stack.lock"), "utf8")).toContain(String(process.pid));
      await unlock();
    }
  });
});

describe("what a killed stack leaves running", () => {
  let leftover: ChildProcess;
  beforeEach(async () => {
    leftover = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); console.log('up')"]);
    if (leftover.stdout) await once(leftover.stdout, "data");
  });
  afterEach(() => leftover.kill("SIGKILL"));

  test("is ended at the next start", async () => {
    await new ChildRegistry(inDirectory("children.json")).started("redis", leftover.pid ?? 0);
    const lines: string[] = [];
    const ended = once(leftover, "exit");
    await new ChildRegistry(inDirectory("children.json")).endLeftovers((line) => lines.push(line));
    await ended;
    expect(lines).toEqual([`redis of a former start still runs (process ${leftover.pid}): ending it.`]);
  });

  test("is known to run until it has ended", async () => {
    const pid = leftover.pid ?? 0;
    const isRunning = (as = pid) => new ChildRegistry(inDirectory("children.json")).isRunning("mongodb", as);
    await new ChildRegistry(inDirectory("children.json")).started("mongodb", pid);
    expect(await isRunning()).toBe(true);
    expect(await isRunning(pid + 1)).toBe(false);
    const ended = once(leftover, "exit");
    leftover.kill("SIGKILL");
    await ended;
    expect(await isRunning()).toBe(false);
  });

  test.each(["", "{", "\0\0\0\0", "[]", '{"redis":{"pid":"1"}}'])(
    "is not known from a damaged file, which keeps nothing from starting: %j",
    async (content) => {
      await writeFile(inDirectory("children.json"), content);
      const registry = new ChildRegistry(inDirectory("children.json"));
      expect(await registry.isRunning("redis", leftover.pid ?? 0)).toBe(false);
      const lines: string[] = [];
      await registry.endLeftovers((line) => lines.push(line));
      expect(lines).toEqual([
        `${inDirectory("children.json")} is damaged: processes of a former start that still run are not ended.`,
      ]);
      await expect(stat(inDirectory("children.json"))).rejects.toThrow();
    },
  );

  test("is left alone when its number belongs to another process by now", async () => {
    const children = { redis: { pid: leftover.pid, startMark: "0" } };
    await writeFile(inDirectory("children.json"), JSON.stringify(children));
    await new ChildRegistry(inDirectory("children.json")).endLeftovers(() => expect.unreachable());
    expect(await startMarkOf(leftover.pid ?? 0)).toBeDefined();
  });
});

describe("run.json", () => {
  test("appears when every entry is there, and changes with a new process", async () => {
    const path = inDirectory("run.json");
    const runFile = new RunFile(path);
    await runFile.set("api", { pid: 1, url: "http://127.0.0.1:8000" });
    await runFile.set("xray-worker", { pid: 2, metrics_url: "http://127.0.0.1:1/metrics" });
    await runFile.set("stats-collector", { pid: 3, metrics_url: "http://127.0.0.1:2/metrics" });
    await runFile.set("redis", { pid: 4, url: "redis://127.0.0.1:3" });
    await runFile.set("mongodb", { pid: null, uri: "mongodb://10.0.0.1/veil" });
    await expect(stat(path)).rejects.toThrow();
    const xray = {
      binary: "/usr/local/bin/xray",
      api: "127.0.0.1:4",
      inbound_tag: "vless-in",
      port: 443,
      config: "/c",
    };
    await runFile.set("xray", { pid: 5, ...xray });
    await runFile.set("xray", { pid: 6, ...xray });
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({
      api: { pid: 1 },
      mongodb: { pid: null },
      xray: { pid: 6 },
    });
  });
});

describe("the port of the API", () => {
  test("that another program has is named with an example", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    await expect(requireBindable("127.0.0.1", port)).rejects.toThrow(/is taken by another program.*API_PORT=/);
    other.close();
    await once(other, "close");
    await requireBindable("127.0.0.1", port);
    expect(await isListening(port)).toBe(false);
  });

  test("on an address of another machine is named as well", async () => {
    await expect(requireBindable("192.0.2.77", 8_000)).rejects.toThrow(
      /API_HOST=192.0.2.77 is no address of this machine/,
    );
  });

  test.each(["", "{", '{"mongodb":{}}'])("names no MongoDB where it is damaged: %j", async (content) => {
    await writeFile(inDirectory("run.json"), content);
    const files = { runFile: inDirectory("run.json"), childrenFile: inDirectory("children.json") };
    expect(await runningMongodb(files)).toBeNull();
    await writeFile(
      inDirectory("run.json"),
      JSON.stringify({ mongodb: { pid: null, uri: "mongodb://10.0.0.1/veil" } }),
    );
    expect(await runningMongodb(files)).toBe("mongodb://10.0.0.1/veil");
  });
});
