import { type JobStep, jobNamesOf } from "@veil/job-contract";
import type { MongoKeyStore } from "@veil/mongo-store";
import type { Clock, Metrics } from "@veil/service-runtime";
import type { FinishedPass } from "./keep-reconciled.ts";

export interface WorkerMetrics {
  jobStep(step: JobStep): void;
  pass(pass: FinishedPass): void;
  configFile(result: ConfigFileResult): void;
  blocked(node: string, users: number): void;
}

const configFileResults = ["written", "unchanged", "error"] as const;
type ConfigFileResult = (typeof configFileResults)[number];

/** The worker's own metrics; every series exists at 0 from the start. */
export function workerMetrics(
  metrics: Metrics,
  nodes: readonly string[],
  store: Pick<MongoKeyStore, "countByState">,
  clock: Clock,
): WorkerMetrics {
  const knownNames = jobNamesOf("veil-keys");
  const knownName = (name: string) => knownNames.find((known) => known === name) ?? "unknown";
  const jobs = metrics.counter({
    name: "veil_jobs_total",
    help: "Deliveries of jobs by how they ended.",
    labels: {
      queue: ["veil-keys"],
      name: [...knownNames, "unknown"],
      result: ["completed", "retried", "failed", "stalled"],
    },
  });
  const passes = metrics.counter({
    name: "veil_reconcile_total",
    help: "Reconcile passes by node and result.",
    labels: { node: nodes, result: ["ok", "error"] },
  });
  const passSeconds = metrics.histogram({
    name: "veil_reconcile_duration_seconds",
    help: "Duration of a reconcile pass.",
    labels: { node: nodes },
  });
  const configFile = metrics.counter({
    name: "veil_config_file_total",
    help: "Attempts to bring Xray's config file up to date, by result.",
    labels: { result: configFileResults },
  });
  const blocked = metrics.gauge({
    name: "veil_blocked_users",
    help: "Removed users whose further streams the node blocks.",
    labels: { node: nodes },
  });
  const drift = metrics.gauge({
    name: "veil_drift_users",
    help: "Users found to differ from what is desired, at the last pass.",
    labels: { node: nodes, kind: ["missing", "wrong", "ghost"] },
  });
  metrics.gauge({
    name: "veil_keys",
    help: "Keys by state.",
    labels: { state: ["creating", "active", "deleting"] },
    collect: async (gauge) => {
      const counts = await store.countByState(clock.now());
      for (const [state, count] of Object.entries(counts)) gauge.set({ state }, count);
    },
  });
  return {
    jobStep: ({ queue, name, state }) => jobs.inc({ queue, name: knownName(name), result: state }),
    blocked: (node, users) => blocked.set({ node }, users),
    configFile: (result) => configFile.inc({ result }),
    pass: ({ node, result, durationMs, found }) => {
      passes.inc({ node, result });
      passSeconds.observe({ node }, durationMs / 1000);
      if (found === undefined) return;
      drift.set({ node, kind: "missing" }, found.drift.missing.length);
      drift.set({ node, kind: "wrong" }, found.drift.wrong.length);
      drift.set({ node, kind: "ghost" }, found.drift.ghosts.length);
    },
  };
}
