import { type JobStep, jobNamesOf } from "@veil/job-contract";
import type { MongoKeyStore } from "@veil/mongo-store";
import type { Clock, Metrics } from "@veil/service-runtime";
import type { FinishedPass } from "./keep-reconciled.ts";

export interface WorkerMetrics {
  jobStep(step: JobStep): void;
  pass(pass: FinishedPass): void;
}

/** The worker's own metrics; every series exists at 0 from the start. */
export function workerMetrics(
  metrics: Metrics,
  nodes: readonly string[],
  store: Pick<MongoKeyStore, "countByState">,
  clock: Clock,
): WorkerMetrics {
  const jobs = metrics.counter({
    name: "veil_jobs_total",
    help: "Deliveries of jobs by how they ended.",
    labels: {
      queue: ["veil-keys"],
      name: [...jobNamesOf("veil-keys"), "unknown"],
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
    jobStep: ({ queue, name, state }) => jobs.inc({ queue, name, result: state }),
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
