import { queueNames } from "@veil/job-contract";
import { queueJobStates } from "@veil/job-queue";
import type { Clock, Metrics } from "@veil/runtime";
import { EACH_NODE } from "@veil/xray-grpc";
import type { ClusterFigures, TrafficFigure } from "./cluster-figures.ts";
import type { NodeReport } from "../sync/sync-loop.ts";

export interface ClusterMetricsOptions {
  readonly metrics: Metrics;
  /** Names of the nodes that there are at each moment. */
  readonly nodes: () => readonly string[];
  readonly clock: Pick<Clock, "now">;
  /** The figures that this collector shows; null while another one does. */
  readonly shown: () => ShownFigures | null;
}

/** The figures of the whole system, and the state of its nodes. */
export interface ShownFigures {
  readonly figures: Pick<ClusterFigures, "keys" | "queues" | "nodes" | "webhooks">;
  /** Whether the node answered last. */
  readonly isReachable: (node: string) => boolean;
  /** How the node stands in MongoDB; null when that is not known. */
  readonly reportOf: (node: string) => NodeReport | null;
}

/** Makes a metric that is empty while another collector shows it. */
type WhenShown = <Metric extends { reset(): void }>(
  fill: (metric: Metric, shown: ShownFigures) => void,
) => (metric: Metric) => void;

/** The metrics of the whole system: of keys, queues and nodes. They are filled from what was read last. */
export function clusterMetrics({ metrics, nodes, clock, shown }: ClusterMetricsOptions): void {
  const startedAt = clock.now();
  const whenShown: WhenShown = (fill) => (metric) => {
    metric.reset();
    const now = shown();
    if (now !== null) fill(metric, now);
  };
  metrics.gauge({
    name: "veil_keys",
    help: "**cluster** Keys by state.",
    labels: { state: ["creating", "active", "deleting"] },
    collect: whenShown((gauge, { figures }) => {
      for (const [state, count] of Object.entries(figures.keys ?? {})) gauge.set({ state }, count);
    }),
  });
  queueMetrics(metrics, clock, whenShown);
  webhookMetrics(metrics, clock, whenShown);
  nodeMetrics(metrics, nodes, whenShown, (report) => Math.max(0, clock.now() - (report?.seenAt ?? startedAt)) / 1_000);
  countingMetrics(metrics, nodes, whenShown);
  v2rayMetrics(metrics, whenShown);
}

function queueMetrics(metrics: Metrics, clock: Pick<Clock, "now">, whenShown: WhenShown): void {
  metrics.gauge({
    name: "veil_oldest_waiting_job_age_seconds",
    help: "**cluster** Age of the job that waits longest for a worker; 0 when none waits.",
    labels: { queue: queueNames },
    collect: whenShown((gauge, { figures }) => {
      for (const { queue, oldestWaiting } of figures.queues ?? []) {
        gauge.set({ queue }, oldestWaiting === null ? 0 : Math.max(0, clock.now() - oldestWaiting) / 1_000);
      }
    }),
  });
  metrics.gauge({
    name: "bullmq_job_count",
    help: "**cluster** Number of jobs in the queue by state.",
    labels: { queue: queueNames, state: queueJobStates },
    collect: whenShown((gauge, { figures }) => {
      for (const { queue, counts } of figures.queues ?? []) {
        for (const state of queueJobStates) gauge.set({ queue, state }, counts[state]);
      }
    }),
  });
  for (const end of ["completed", "failed"] as const) {
    metrics.counter({
      name: `bullmq_job_${end}_total`,
      help: `**cluster** Total number of ${end} jobs.`,
      labels: { queue: queueNames },
      collect: whenShown((counter, { figures }) => {
        for (const queue of figures.queues ?? []) counter.inc({ queue: queue.queue }, queue[end]);
      }),
    });
  }
}

function webhookMetrics(metrics: Metrics, clock: Pick<Clock, "now">, whenShown: WhenShown): void {
  metrics.gauge({
    name: "veil_webhooks",
    help: "**cluster** Webhooks by state: `off` by a caller, `dead` by itself, because the receiver took nothing for three days.",
    labels: { state: ["on", "off", "dead"] },
    collect: whenShown((gauge, { figures }) => {
      for (const [state, count] of Object.entries(figures.webhooks?.counts ?? {})) gauge.set({ state }, count);
    }),
  });
  metrics.gauge({
    name: "veil_webhook_events_waiting",
    help: "**cluster** Events that a receiver did not take and that are tried again.",
    collect: (metric) =>
      whenShown<typeof metric>((gauge, { figures }) => {
        if (figures.webhooks !== null) gauge.set(figures.webhooks.waiting);
      })(metric),
  });
  metrics.gauge({
    name: "veil_webhook_oldest_undelivered_seconds",
    help: "**cluster** Age of the oldest event that a webhook which is on has not got; 0 when all have all.",
    collect: (metric) =>
      whenShown<typeof metric>((gauge, { figures: { webhooks } }) => {
        if (webhooks === null) return;
        gauge.set(webhooks.oldestAt === null ? 0 : Math.max(0, clock.now() - webhooks.oldestAt) / 1_000);
      })(metric),
  });
}

function nodeMetrics(
  metrics: Metrics,
  nodes: () => readonly string[],
  whenShown: WhenShown,
  ageOf: (report: NodeReport | null) => number,
): void {
  metrics.counter({
    name: "veil_traffic_bytes_total",
    help: "**cluster** Bytes that the node's inbounds have carried, deleted keys included.",
    labels: { node: EACH_NODE, direction: ["upload", "download"] },
    collect: whenShown((counter, { reportOf }) => {
      for (const node of nodes()) {
        const report = reportOf(node);
        if (report === null) continue;
        counter.inc({ node, direction: "upload" }, report.carried.up);
        counter.inc({ node, direction: "download" }, report.carried.down);
      }
    }),
  });
  metrics.gauge({
    name: "veil_traffic_sync_age_seconds",
    help: "**cluster** Time since the node's counters were last read by any collector; since the start when never.",
    labels: { node: EACH_NODE },
    collect: whenShown((gauge, { reportOf }) => {
      for (const node of nodes()) gauge.set({ node }, ageOf(reportOf(node)));
    }),
  });
  metrics.gauge({
    name: "veil_xray_up",
    help: "**cluster** Whether the node's gRPC API answered last.",
    labels: { node: EACH_NODE },
    collect: whenShown((gauge, { isReachable }) => {
      for (const node of nodes()) gauge.set({ node }, isReachable(node) ? 1 : 0);
    }),
  });
  metrics.counter({
    name: "veil_xray_restarts_total",
    help: "**cluster** How often the node's Xray was found restarted.",
    labels: { node: EACH_NODE },
    collect: whenShown((counter, { reportOf }) => {
      for (const node of nodes()) {
        const report = reportOf(node);
        if (report !== null) counter.inc({ node }, report.restarts);
      }
    }),
  });
  metrics.gauge({
    name: "veil_xray_online_users",
    help: "**cluster** Users with open connections; needs `statsUserOnline` in the node's policy.",
    labels: { node: EACH_NODE },
    collect: whenShown((gauge, { figures }) => {
      for (const [node, { online }] of figures.nodes) if (online !== null) gauge.set({ node }, online);
    }),
  });
}

function countingMetrics(metrics: Metrics, nodes: () => readonly string[], whenShown: WhenShown): void {
  metrics.gauge({
    name: "veil_xray_users_uncounted",
    help: "**cluster** Whether the node was found not to count its users' bytes, so that their traffic stays 0.",
    labels: { node: EACH_NODE },
    collect: whenShown((gauge, { figures }) => {
      for (const node of nodes()) gauge.set({ node }, figures.nodes.get(node)?.usersUncounted === true ? 1 : 0);
    }),
  });
}

const linkHelp = { uplink: "from", downlink: "to" } as const satisfies Record<TrafficFigure["link"], string>;

/** Under the names of the V2Ray exporter, with the node beside its labels. */
function v2rayMetrics(metrics: Metrics, whenShown: WhenShown): void {
  metrics.gauge({
    name: "v2ray_up",
    help: "**cluster** Whether the node answered when its figures were last read.",
    labels: { node: EACH_NODE },
    collect: whenShown((gauge, { figures }) => {
      for (const [node, { answers }] of figures.nodes) gauge.set({ node }, answers ? 1 : 0);
    }),
  });
  metrics.gauge({
    name: "v2ray_uptime_seconds",
    help: "**cluster** Time since the node's Xray started.",
    labels: { node: EACH_NODE },
    collect: whenShown((gauge, { figures }) => {
      for (const [node, { uptimeSeconds }] of figures.nodes)
        if (uptimeSeconds !== null) gauge.set({ node }, uptimeSeconds);
    }),
  });
  for (const link of ["uplink", "downlink"] as const) {
    metrics.counter({
      name: `v2ray_traffic_${link}_bytes_total`,
      help: `**cluster** Bytes ${linkHelp[link]} clients since the node's Xray started, by what counted them.`,
      labels: { node: EACH_NODE, dimension: ["inbound", "outbound", "user"], target: [] },
      collect: whenShown((counter, { figures }) => {
        for (const [node, { traffic }] of figures.nodes) {
          for (const { dimension, target, bytes, ...figure } of traffic) {
            if (figure.link === link) counter.inc({ node, dimension, target }, bytes);
          }
        }
      }),
    });
  }
}
