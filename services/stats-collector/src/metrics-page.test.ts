import { createMetrics } from "@veil/runtime";
import { documentedMetricLines, metricLines } from "@veil/test-support";
import { expect, it } from "vitest";
import { collectorMetrics } from "./collector-metrics.ts";

it("documents every metric of the collector, and no other, in docs/metrics.md", () => {
  const metrics = createMetrics({ service: "stats-collector", version: "1", defaultMetrics: false });
  const common = metrics.descriptions.length;
  collectorMetrics({ metrics, nodes: () => [], clock: { now: () => 0 } });
  const own = { descriptions: metrics.descriptions.slice(common) };
  expect(documentedMetricLines("Collector").toSorted()).toEqual(metricLines(own).toSorted());
});
