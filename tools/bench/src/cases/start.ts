import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, plainEnvironment, startProcess, untilReady } from "@veil/engines";
import { connectXrayNode } from "@veil/xray-grpc";
import mongoose from "mongoose";
import { z } from "zod";
import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { untilUsers } from "../testbed/bench-testbed.ts";
import { seedKeys } from "../testbed/seed-keys.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const START_WITHIN_MS = 120_000;
const runFile = z.object({
  mongodb: z.object({ uri: z.string() }),
  xray: z.object({ api: z.string(), inbound_tag: z.string() }),
});

/** `npm start` with everything installed and built, until a key was made over HTTP and Xray holds all users. */
export const startCase: BenchCase = {
  name: "start",
  group: "start",
  title: (keys) => `start to ready with ${grouped(keys)} keys`,
  keys: { full: 10_000, quick: 1_000 },
  against: "–",
  unit: "ms",
  target: { kind: "within", ms: 5_000 },
  prepare: async (_bench, keys) => {
    const dataDir = await mkdtemp(join(tmpdir(), "veil-bench-start-"));
    const first = await startStack(dataDir);
    const mongo = await mongoose.createConnection((await readRunFile(dataDir)).mongodb.uri).asPromise();
    // The start itself made some keys.
    await seedKeys(mongo, keys, 1_000);
    await mongo.close();
    await first.stop();
    return {
      ours: async () => {
        const begun = performance.now();
        const stack = await startStack(dataDir);
        const { xray } = await readRunFile(dataDir);
        const node = connectXrayNode({ name: "bench", address: xray.api, inboundTag: xray.inbound_tag });
        await untilUsers({ xray: node }, keys);
        const value = performance.now() - begun;
        node.close();
        await stack.stop();
        return { value, operations: 1, note: `said to be ready after ${(stack.readyMs / 1_000).toFixed(2)} s` };
      },
      close: () => rm(dataDir, { recursive: true, force: true }),
    };
  },
};

async function startStack(dataDir: string): Promise<{ readonly readyMs: number; stop(): Promise<void> }> {
  const begun = performance.now();
  const settings = { VEIL_DATA_DIR: dataDir, API_PORT: String(await freePort()), XRAY_ALLOW_PRIVATE: "true" };
  const printed: string[] = [];
  let isReady = false;
  const stack = await startProcess({
    binary: process.execPath,
    args: [join(root, "tools/local-stack/dist/main.js")],
    cwd: root,
    env: { ...plainEnvironment(), ...settings },
    onLine: (line) => {
      printed.push(line);
      isReady ||= line.includes("curl ");
    },
  });
  const outcome = await untilReady(stack, async () => isReady, START_WITHIN_MS);
  if (outcome !== "ready") throw new Error(`npm start is not ready: ${printed.join("\n")}`);
  return {
    readyMs: performance.now() - begun,
    stop: async () => {
      stack.signal("SIGINT");
      await stack.exited;
    },
  };
}

async function readRunFile(dataDir: string) {
  return runFile.parse(JSON.parse(await readFile(join(dataDir, "run.json"), "utf8")));
}
