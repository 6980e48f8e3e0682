import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EngineStartError } from "./engine-errors.ts";
import { type EngineCommand, startEngineProcess } from "./engine-process.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-engine-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function script(code: string, rest: Partial<EngineCommand> = {}): EngineCommand {
  return {
    title: "Redis",
    binary: process.execPath,
    args: ["-e", code],
    logFile: join(directory, "engine.log"),
    ports: [],
    isReady: async () => (await readFile(join(directory, "engine.log"), "utf8")).includes("ready"),
    ...rest,
  };
}

describe("starting an engine", () => {
  test("waits until it is ready, and stopping until it has ended", async () => {
    const engine = await startEngineProcess(script("console.log('ready'); setInterval(() => {}, 1000)"));
    expect(engine.pid).toBeGreaterThan(0);
    expect(await engine.stop()).toEqual({ code: null, signal: "SIGTERM" });
    expect(await engine.exited).toEqual({ code: null, signal: "SIGTERM" });
  });

  test("kills one that does not heed SIGTERM", async () => {
    const deaf = "process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)";
    const engine = await startEngineProcess(script(deaf));
    expect(await engine.stop(50)).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("quotes its last lines when it ends before it is ready", async () => {
    const failing = script("console.log('reading config'); console.error('bad option: dir'); process.exit(3)");
    await expect(startEngineProcess(failing)).rejects.toThrow(EngineStartError);
    await expect(startEngineProcess(failing)).rejects.toThrow(
      /^Redis ended with exit code 3\.\n {2}\| reading config\n {2}\| bad option: dir\nIts log: .*engine\.log$/,
    );
  });

  test("gives up, and ends it, when it is not ready in time", async () => {
    const slow = script("setInterval(() => {}, 1000)", { readyWithinMs: 100 });
    await expect(startEngineProcess(slow)).rejects.toThrow("was not ready within 0.1 s.");
  });

  test("says so when the program cannot be started at all", async () => {
    const missing = script("", { binary: join(directory, "no-such-program") });
    await expect(startEngineProcess(missing)).rejects.toThrow("Redis could not be started.");
  });

  test("names a port that another program has", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const blocked = startEngineProcess(script("console.log('ready')", { ports: [port] }));
    await expect(blocked).rejects.toThrow(`cannot listen on port ${port}: another program has it.`);
    other.close();
  });
});
