import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findRedis } from "./find-redis.ts";
import { type RunningRedis, startRedis } from "./start-redis.ts";

let dataDir: string;
let redis: RunningRedis;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "veil-redis-"));
  redis = await startRedis({ binary: await findRedis({ progress: console.log }), dataDir });
});

afterAll(async () => {
  await redis.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Sends inline commands and reads until the answer to the last one, QUIT. */
async function ask(port: number, ...commands: string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answers = "";
  socket.on("data", (chunk) => {
    answers += chunk.toString();
  });
  socket.write([...commands, "QUIT", ""].join("\r\n"));
  await new Promise((resolve) => socket.once("close", resolve));
  return answers;
}

test("Redis keeps an append-only file, evicts nothing and listens on loopback alone", async () => {
  const config = await ask(
    redis.port,
    "CONFIG GET appendonly",
    "CONFIG GET maxmemory-policy",
    "CONFIG GET bind",
    "CONFIG GET maxmemory",
  );
  expect(config.replace(/\s+/g, " ")).toMatch(
    /appendonly \$3 yes .* noeviction .* bind \$9 127\.0\.0\.1 .* maxmemory \$9 536870912 /,
  );
});

test("what it took survives kill -9 and a start with the same files and port", async () => {
  await ask(redis.port, "CONFIG SET appendfsync always", "SET kept 42");
  process.kill(redis.pid, "SIGKILL");
  expect(await redis.exited).toEqual({ code: null, signal: "SIGKILL" });
  redis = await startRedis({ binary: await findRedis({ progress: console.log }), dataDir, port: redis.port });
  expect(await ask(redis.port, "GET kept")).toContain("42");
});
