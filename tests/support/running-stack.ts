import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startProcess, untilReady } from "@veil/engines";
import { z } from "zod";
import { leakedTokens, logsOf, metricsOf } from "./leaked-tokens.ts";

const processEntry = z.object({ pid: z.number() });
const runFile = z.object({
  api: processEntry.extend({ url: z.string() }),
  "xray-worker": processEntry.extend({ metrics_url: z.string() }),
  "stats-collector": processEntry.extend({ metrics_url: z.string() }),
  redis: processEntry.extend({ url: z.string() }),
  mongodb: processEntry.extend({ uri: z.string() }),
  xray: processEntry.extend({
    binary: z.string(),
    api: z.string(),
    inbound_tag: z.string(),
    port: z.number(),
    config: z.string(),
  }),
});

/** The processes of a running stack, as `run.json` names them. */
export type RunFile = z.infer<typeof runFile>;

/** `npm start` as a user runs it, in a data directory of its own. */
export interface RunningStack {
  readonly dataDir: string;
  readonly apiUrl: string;
  readonly apiKey: string;
  /** Its output so far. */
  output(): string;
  readRunFile(): Promise<RunFile>;
  /** Ctrl-C. @returns the exit code @throws when a token of a subscription stands in what was logged, printed or measured */
  stop(): Promise<number | null>;
}

const repoRoot = new URL("../../", import.meta.url).pathname;
export const TEST_API_KEY = "test-key-of-the-running-stack-0123456789";

/** Starts the whole system and resolves when it says that it is ready. @throws with its output when it ends instead */
export async function startStack(dataDir: string, env: Record<string, string> = {}): Promise<RunningStack> {
  const apiPort = await freePort();
  const printed: string[] = [];
  const output = () => printed.join("\n");
  const stack = await startProcess({
    binary: process.execPath,
    args: [join(repoRoot, "tools/local-stack/dist/main.js")],
    cwd: repoRoot,
    env: {
      ...process.env,
      VEIL_DATA_DIR: dataDir,
      API_PORT: String(apiPort),
      API_SECRET_KEY: TEST_API_KEY,
      XRAY_ALLOW_PRIVATE: "true",
      ...env,
    },
    onLine: (line) => printed.push(line),
  });
  const saysReady = async () => printed.some((line) => line.includes("curl "));
  const outcome = await untilReady(stack, saysReady, Number.POSITIVE_INFINITY);
  if (outcome !== "ready") throw new Error(`the stack is not ready: ${JSON.stringify(outcome)}\n${output()}`);
  return {
    dataDir,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    apiKey: TEST_API_KEY,
    output,
    readRunFile: async () => runFile.parse(JSON.parse(await readFile(join(dataDir, "run.json"), "utf8"))),
    stop: async () => {
      const metrics = await metricsOf(output());
      stack.signal("SIGINT");
      const { code } = await stack.exited;
      const read = { logs: await logsOf(dataDir), printed: output(), metrics: metrics.join("\n") };
      const leaks = Object.entries(read).flatMap(([place, text]) =>
        leakedTokens(text).map((before) => [place, before]),
      );
      if (leaks.length > 0)
        throw new Error(`tokens of subscriptions are written down: ${JSON.stringify(leaks.slice(0, 5))}`);
      return code;
    },
  };
}

/** A data directory that is gone after the tests. */
export async function temporaryDataDir(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "veil-stack-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
