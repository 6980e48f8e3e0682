import type { Metrics } from "@veil/runtime";
import { jobNamesOf, type QueueName } from "@veil/job-contract";
import type { JobStep } from "./job-steps.ts";

const ATTEMPT_BUCKETS = [1, 2, 3, 5, 8, 12, 20, 30];

/** Measures what becomes of the jobs of one queue, for whoever consumes it. */
export function jobMetrics(metrics: Metrics, queue: QueueName): (step: JobStep) => void {
  const known = jobNamesOf(queue);
  const labels = { queue: [queue], name: [...known, "unknown"] };
  const deliveries = metrics.counter({
    name: "veil_jobs_total",
    help: "Deliveries of jobs by how they ended.",
    labels: { ...labels, result: ["completed", "retried", "failed", "stalled"] },
  });
  const attempts = metrics.histogram({
    name: "veil_job_attempts",
    help: "Deliveries that a job took to its end; buckets 1, 2, 3, 5, 8, 12, 20, 30.",
    labels,
    buckets: ATTEMPT_BUCKETS,
  });
  const waits = metrics.histogram({
    name: "veil_job_wait_duration_seconds",
    help: "Time from the request until a worker took its job up for the first time.",
    labels,
  });
  const durations = metrics.histogram({
    name: "veil_job_duration_seconds",
    help: "Time that one delivery of a job took.",
    labels,
  });
  return ({ name: anyName, state, attempt, durationMs, waitedMs }) => {
    const name = known.find((job) => job === anyName) ?? "unknown";
    deliveries.inc({ queue, name, result: state });
    // Of a stalled job its new owner knows nothing but the id.
    if (state === "stalled") return;
    durations.observe({ queue, name }, durationMs / 1_000);
    if (attempt === 1) waits.observe({ queue, name }, waitedMs / 1_000);
    if (state !== "retried") attempts.observe({ queue, name }, attempt);
  };
}
