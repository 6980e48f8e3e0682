import { createMetrics } from "@veil/runtime";
import { documentedMetricLines, metricLines } from "@veil/test-support";
import { expect, it } from "vitest";
import { workerMetrics } from "./worker-metrics.ts";

it("documents every metric of the worker, and no other, in docs/metrics.md", () => {
  const metrics = createMetrics({ service: "xray-worker", version: "1", defaultMetrics: false });
  const common = metrics.descriptions.length;
  workerMetrics({ metrics, nodes: () => [], clock: { monotonic: () => 0, now: () => 0 }, passPeriodMs: 1_000 });
  const own = { descriptions: metrics.descriptions.slice(common) };
  expect(documentedMetricLines("Worker").toSorted()).toEqual(metricLines(own).toSorted());
});
