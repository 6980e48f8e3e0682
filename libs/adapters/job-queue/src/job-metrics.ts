import type { Metrics } from "@veil/runtime";
import { jobNamesOf, type QueueName } from "@veil/job-contract";
import type { JobStep } from "./job-steps.ts";

const ATTEMPT_BUCKETS = [1, 2, 3, 5, 8, 12, 20, 30];

/** Measures what becomes of the jobs of one queue or several, for whoever consumes them. */
export function jobMetrics(metrics: Metrics, ...queues: readonly QueueName[]): (step: JobStep) => void {
  const known = queues.flatMap((queue) => jobNamesOf(queue));
  const labels = { queue: queues, name: [...known, "unknown"] };
  const startWith = queues.flatMap((queue) => [...jobNamesOf(queue), "unknown"].map((name) => ({ queue, name })));
  const results = ["completed", "retried", "failed", "stalled"];
  const deliveries = metrics.counter({
    name: "veil_jobs_total",
    help: "Deliveries of jobs by how they ended.",
    labels: { ...labels, result: results },
    startWith: startWith.flatMap((series) => results.map((result) => ({ ...series, result }))),
  });
  const attempts = metrics.histogram({
    name: "veil_job_attempts",
    help: "Deliveries that a job took to its end; buckets 1, 2, 3, 5, 8, 12, 20, 30.",
    labels,
    startWith,
    buckets: ATTEMPT_BUCKETS,
  });
  const waits = metrics.histogram({
    name: "veil_job_wait_duration_seconds",
    help: "Time from the request until a worker took its job up for the first time.",
    labels,
    startWith,
  });
  const durations = metrics.histogram({
    name: "veil_job_duration_seconds",
    help: "Time that one delivery of a job took.",
    labels,
    startWith,
  });
  return ({ queue, name: anyName, state, attempt, durationMs, waitedMs }) => {
    const name = known.find((job) => job === anyName) ?? "unknown";
    deliveries.inc({ queue, name, result: state });
    // Of a stalled job its new owner knows nothing but the id.
    if (state === "stalled") return;
    durations.observe({ queue, name }, durationMs / 1_000);
    if (attempt === 1) waits.observe({ queue, name }, waitedMs / 1_000);
    if (state !== "retried") attempts.observe({ queue, name }, attempt);
  };
}
