import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { z } from "zod";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const coverage = z.object({ result: z.array(z.object({ url: z.string() })) });

/** Every script that the worker loads until it is to stop, by what V8 says of itself. */
async function loadedScripts(env: Record<string, string>): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "veil-loaded-"));
  try {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [main], {
      env: { PATH, HOME, NODE_V8_COVERAGE: directory, METRICS_HOST: "127.0.0.1", METRICS_PORT: "0", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes('"state":"running"')) child.kill("SIGTERM");
    });
    await exited;
    const files = await readdir(directory);
    const pages = await Promise.all(files.map((file) => readFile(join(directory, file), "utf8")));
    return pages.flatMap((page) => coverage.parse(JSON.parse(page)).result.map(({ url }) => url));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** prom-client itself loads the API of OpenTelemetry, which does nothing. */
const ofTracing = /libs\/tracing\/|bullmq-otel|@opentelemetry\/(?!api\/)/;
const away = {
  REDIS_URL: "redis://127.0.0.1:1",
  MONGODB_URI: "mongodb://127.0.0.1:1/veil",
  XRAY_API_PORT: "1",
  SHUTDOWN_DEADLINE_MS: "2000",
};
/** V8 counts every line of a process that it looks at. */
const SLOWLY = 180_000;

it(
  "loads nothing of tracing unless traces are sent somewhere",
  async () => {
    const scripts = await loadedScripts(away);
    expect(scripts.some((url) => url.includes("run-worker"))).toBe(true);
    expect(scripts.filter((url) => ofTracing.test(url))).toEqual([]);
  },
  SLOWLY,
);

it(
  "loads it when they are",
  async () => {
    const scripts = await loadedScripts({ ...away, OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
    expect(scripts.some((url) => ofTracing.test(url))).toBe(true);
  },
  SLOWLY,
);

it("does not start with a part of the requests to trace that is none, and names the setting", async () => {
  const { PATH, HOME } = process.env;
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_SAMPLER_ARG: "10%" };
  const child = spawn(process.execPath, [main], {
    env: { PATH, HOME, METRICS_HOST: "127.0.0.1", METRICS_PORT: "0", ...away, ...traced },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.on("data", (chunk: Buffer) => {
    if (chunk.includes('"state":"running"')) child.kill("SIGTERM");
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(child, "close");
  expect([code, said]).toEqual([78, expect.stringContaining("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1")]);
});
