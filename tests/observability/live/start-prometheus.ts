import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@veil/engines";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { prometheusDir } from "../promtool.ts";

const number = z.coerce.number();
const sample = z.tuple([z.number(), z.string().transform(toNumber)]);
const series = z.object({ metric: z.record(z.string(), z.string()), values: z.array(sample) });
const vector = z.object({ metric: z.record(z.string(), z.string()), value: sample });
const alert = z.object({
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  state: z.enum(["pending", "firing"]),
  value: number,
});
const target = z.object({ labels: z.record(z.string(), z.string()), health: z.string(), lastError: z.string() });

export type Series = z.infer<typeof series>;
export type Alert = z.infer<typeof alert>;

/** A stretch of time, in Unix seconds. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

export interface RunningPrometheus {
  /** The last value of every series. */
  query(expr: string, at?: number): Promise<Series[]>;
  queryRange(expr: string, range: TimeRange): Promise<Series[]>;
  /** Pending and firing. */
  alerts(): Promise<Alert[]>;
  targets(): Promise<z.infer<typeof target>[]>;
  stop(): Promise<void>;
}

/**
 * Starts Prometheus with the configuration and the rules of `observability/prometheus`, intervals and durations as they
 * are, on the targets that `npm start` has written.
 */
export async function startPrometheus(dataDir: string): Promise<RunningPrometheus> {
  const port = await freePort();
  const configFile = join(dataDir, "prometheus.yml");
  await writeFile(configFile, await configFor(join(dataDir, "prometheus-targets.json")));
  const child = spawn(
    "prometheus",
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(dataDir, "prometheus")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  await once(child, "spawn").catch((cause: unknown) => {
    throw new Error("there is no prometheus on the PATH", { cause });
  });
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/-/ready`)
      .then(({ ok }) => ok)
      .catch(() => false))
  ) {
    if (child.exitCode !== null) throw new Error(`Prometheus ended with code ${child.exitCode}`);
    await sleep(100);
  }
  return {
    query: async (expr, at) => {
      const time = at === undefined ? {} : { time: String(at) };
      const { result } = await ask(url, "query", z.object({ result: z.array(vector) }), { query: expr, ...time });
      return result.map(({ metric, value }) => ({ metric, values: [value] }));
    },
    queryRange: async (expr, { from, to, step }) => {
      const parameters = { query: expr, start: String(from), end: String(to), step: String(step) };
      return (await ask(url, "query_range", z.object({ result: z.array(series) }), parameters)).result;
    },
    alerts: async () => (await ask(url, "alerts", z.object({ alerts: z.array(alert) }))).alerts,
    targets: async () => (await ask(url, "targets", z.object({ activeTargets: z.array(target) }))).activeTargets,
    stop: async () => {
      process.off("exit", endWithUs);
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

const configShape = z.looseObject({
  rule_files: z.array(z.string()),
  scrape_configs: z.array(z.looseObject({ file_sd_configs: z.array(z.object({ files: z.array(z.string()) })) })),
});

async function configFor(targetsFile: string): Promise<string> {
  const config = configShape.parse(parse(await readFile(join(prometheusDir, "prometheus.yml"), "utf8")));
  return stringify({
    ...config,
    rule_files: config.rule_files.map((file) => join(prometheusDir, file)),
    scrape_configs: config.scrape_configs.map((job) => ({ ...job, file_sd_configs: [{ files: [targetsFile] }] })),
  });
}

async function ask<T>(
  url: string,
  what: string,
  shape: z.ZodType<T>,
  parameters: Record<string, string> = {},
): Promise<T> {
  const response = await fetch(`${url}/api/v1/${what}?${new URLSearchParams(parameters).toString()}`);
  const answer = z
    .object({ status: z.string(), error: z.string().optional(), data: z.unknown() })
    .parse(await response.json());
  if (answer.status !== "success") throw new Error(`${what} ${parameters["query"] ?? ""}: ${answer.error}`);
  return shape.parse(answer.data);
}

function toNumber(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}
