import { setTimeout as sleep } from "node:timers/promises";
import { cpuBetween, usageOf } from "../harness/process-usage.ts";
import type { BenchTestbed } from "../testbed/bench-testbed.ts";
import type { FleetRound } from "./fleet-table.ts";

/** The requests of the services that are counted, by the metric that counts them. */
const asked = {
  passes: (series: string) => series.startsWith("veil_reconcile_total{"),
  "reads of all keys": (series: string) => series.startsWith('veil_desired_reads_total{kind="all"'),
  GetInboundUsers: (series: string) => isCall(series, "listUsers"),
  GetInboundUsersCount: (series: string) => isCall(series, "countUsers"),
  QueryStats: (series: string) => isCall(series, "queryCounters"),
} as const;

/** CPU and memory of each process, and what the services asked for, over so many seconds in which nobody calls. */
export async function watchQuietly(testbed: BenchTestbed, seconds: number): Promise<FleetRound> {
  const { services, engines } = testbed.pids();
  const pids = { ...services, ...engines };
  const askedBefore = await countAsked(testbed.metricsUrls);
  const [before, begun] = [await usageOf(pids), performance.now()];
  await sleep(seconds * 1_000);
  const [after, tookMs] = [await usageOf(pids), performance.now() - begun];
  const askedAfter = await countAsked(testbed.metricsUrls);
  if (before === null || after === null) throw new Error("a process has ended, or there is no /proc");
  const used = Object.entries(cpuBetween(before, after));
  return {
    percentOfCore: Object.fromEntries(used.map(([name, cpuMs]) => [name, (cpuMs / tookMs) * 100])),
    rssMiB: Object.fromEntries(Object.entries(after).map(([name, { rssMiB }]) => [name, rssMiB])),
    askedPerMinute: Object.fromEntries(
      Object.entries(askedAfter).map(([what, count]) => [what, ((count - (askedBefore[what] ?? 0)) / tookMs) * 60_000]),
    ),
  };
}

async function countAsked(metricsUrls: readonly string[]): Promise<Record<string, number>> {
  const pages = await Promise.all(metricsUrls.map(async (url) => (await fetch(url)).text()));
  const samples = pages.flatMap((page) => page.split("\n")).map((line) => line.split(" "));
  return Object.fromEntries(
    Object.entries(asked).map(([what, isMeant]) => [
      what,
      samples.reduce((sum, [series = "", value]) => (isMeant(series) ? sum + Number(value) : sum), 0),
    ]),
  );
}

function isCall(series: string, method: string): boolean {
  return series.startsWith("veil_xray_grpc_calls_total{") && series.includes(`method="${method}"`);
}
