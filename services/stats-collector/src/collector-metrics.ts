import { type JobStep, jobMetrics } from "@veil/job-queue";
import type { Clock, Metrics } from "@veil/runtime";
import { callMetrics, EACH_NODE, NODE_LABEL } from "@veil/xray-grpc";
import { clusterMetrics, type ShownFigures } from "./cluster/cluster-metrics.ts";
import type { NodeReport } from "./sync/sync-loop.ts";

export interface CollectorMetrics {
  jobStep(step: JobStep): void;
  synced(node: string, durationMs: number, result: "ok" | "error"): void;
  report(report: NodeReport): void;
  duplicate(node: string, isDuplicate: boolean): void;
  /** Shows the figures of the whole system whenever there are any: those of one collector at a time. */
  showCluster(figures: () => Omit<ShownFigures, "reportOf"> | null): void;
  /** Makes a node's `onCall`. */
  readonly callsOf: ReturnType<typeof callMetrics>;
}

export interface CollectorMetricsOptions {
  readonly metrics: Metrics;
  /** Names of the nodes that there are at each moment; their own series are begun and ended with them. */
  readonly nodes: () => readonly string[];
  readonly clock: Pick<Clock, "now">;
}

const calledMethods = [
  "queryCounters",
  "readCounter",
  "uptimeSeconds",
  "onlineUsers",
  "readProcessMark",
  "plantProcessMark",
];

/** The collector's own metrics, and those of the whole system. */
export function collectorMetrics({ metrics, nodes, clock }: CollectorMetricsOptions): CollectorMetrics {
  const reports = new LastReports();
  let cluster: () => Omit<ShownFigures, "reportOf"> | null = () => null;
  clusterMetrics({
    metrics,
    nodes,
    clock,
    shown: () => {
      const figures = cluster();
      return figures === null ? null : { ...figures, reportOf: (node) => reports.of(node) };
    },
  });
  const syncSeconds = metrics.histogram({
    name: "veil_traffic_sync_duration_seconds",
    help: "Time it took to bring a node's counters into the ledger.",
    labels: { node: EACH_NODE },
    changing: NODE_LABEL,
  });
  const syncs = metrics.counter({
    name: "veil_traffic_sync_total",
    help: "Readings of a node's counters by result.",
    labels: { node: EACH_NODE, result: ["ok", "error"] },
    changing: NODE_LABEL,
  });
  const duplicates = metrics.gauge({
    name: "veil_xray_node_duplicate",
    help: "1 when the node leads to the Xray process of another node of the settings, and is not read.",
    labels: { node: EACH_NODE },
    changing: NODE_LABEL,
  });
  return {
    callsOf: callMetrics(metrics, calledMethods),
    jobStep: jobMetrics(metrics, "veil-traffic"),
    synced: (node, durationMs, result) => {
      syncs.inc({ node, result });
      if (result === "ok") syncSeconds.observe({ node }, durationMs / 1_000);
    },
    report: (report) => reports.take(report, nodes()),
    duplicate: (node, isDuplicate) => duplicates.set({ node }, isDuplicate ? 1 : 0),
    showCluster: (figures) => {
      cluster = figures;
    },
  };
}

/** How nodes stand in MongoDB, as last heard. A total that came late never lowers one that is known. */
class LastReports {
  readonly #reports = new Map<string, NodeReport>();

  of(node: string): NodeReport | null {
    return this.#reports.get(node) ?? null;
  }

  /** @param nodes names of those that there are: nothing is kept of others */
  take(report: NodeReport, nodes: readonly string[]): void {
    const present = new Set(nodes);
    for (const name of this.#reports.keys()) if (!present.has(name)) this.#reports.delete(name);
    const before = this.#reports.get(report.node) ?? report;
    this.#reports.set(report.node, {
      node: report.node,
      seenAt: Math.max(before.seenAt, report.seenAt),
      restarts: Math.max(before.restarts, report.restarts),
      carried: {
        up: Math.max(before.carried.up, report.carried.up),
        down: Math.max(before.carried.down, report.carried.down),
      },
    });
  }
}
