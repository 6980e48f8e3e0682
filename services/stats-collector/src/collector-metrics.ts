import { type JobStep, jobNamesOf } from "@veil/job-contract";
import type { Clock, Metrics } from "@veil/service-runtime";
import type { NodeReport } from "./sync-loop.ts";

export interface CollectorMetrics {
  jobStep(step: JobStep): void;
  synced(node: string, durationMs: number): void;
  report(report: NodeReport): void;
}

export interface CollectorMetricsOptions {
  readonly metrics: Metrics;
  readonly nodes: readonly { readonly name: string; readonly reachable: boolean }[];
  readonly clock: Pick<Clock, "now">;
}

/** The collector's own metrics. Totals come from MongoDB, so every replica shows the same, before and after a restart. */
export function collectorMetrics({ metrics, nodes, clock }: CollectorMetricsOptions): CollectorMetrics {
  const node = nodes.map(({ name }) => name);
  const startedAt = clock.now();
  const seenAt = new Map<string, number>();
  const jobs = metrics.counter({
    name: "veil_jobs_total",
    help: "Deliveries of jobs by how they ended.",
    labels: {
      queue: ["veil-traffic"],
      name: [...jobNamesOf("veil-traffic"), "unknown"],
      result: ["completed", "retried", "failed", "stalled"],
    },
  });
  const syncSeconds = metrics.histogram({
    name: "veil_traffic_sync_duration_seconds",
    help: "Time it took to bring a node's counters into the ledger.",
    labels: { node },
  });
  // A total that began at 0 in every new process would look like a counter that fell.
  const bytes = metrics.counter({
    name: "veil_traffic_bytes_total",
    help: "Bytes that the node's inbound has carried, deleted keys included.",
    labels: { node, direction: ["upload", "download"] },
    startWith: [],
  });
  const restarts = metrics.counter({
    name: "veil_xray_restarts_total",
    help: "How often the node's Xray was found restarted.",
    labels: { node },
    startWith: [],
  });
  metrics.gauge({
    name: "veil_traffic_sync_age_seconds",
    help: "Time since the node's counters were last read by any collector; since the start when never.",
    labels: { node },
    collect: (gauge) => {
      for (const name of node) gauge.set({ node: name }, (clock.now() - (seenAt.get(name) ?? startedAt)) / 1000);
    },
  });
  metrics.gauge({
    name: "veil_xray_up",
    help: "Whether the node's gRPC API answered last.",
    labels: { node },
    collect: (gauge) => {
      for (const { name, reachable } of nodes) gauge.set({ node: name }, reachable ? 1 : 0);
    },
  });
  const raiseTotal = totalsRaiser();
  return {
    jobStep: ({ queue, name, state }) => jobs.inc({ queue, name, result: state }),
    synced: (name, durationMs) => syncSeconds.observe({ node: name }, durationMs / 1000),
    report: (report) => {
      const { carried } = report;
      seenAt.set(report.node, report.seenAt);
      raiseTotal(`${report.node} up`, carried.up, (by) => bytes.inc({ node: report.node, direction: "upload" }, by));
      raiseTotal(`${report.node} down`, carried.down, (by) =>
        bytes.inc({ node: report.node, direction: "download" }, by),
      );
      raiseTotal(`${report.node} restarts`, report.restarts, (by) => restarts.inc({ node: report.node }, by));
    },
  };
}

/** Raises counters to totals that are known from elsewhere. */
function totalsRaiser(): (name: string, total: number, raise: (by: number) => void) => void {
  const shown = new Map<string, number>();
  return (name, total, raise) => {
    const before = shown.get(name) ?? 0;
    if (shown.has(name) && total <= before) return;
    raise(total - before);
    shown.set(name, total);
  };
}
