import { documentedMetricLines, metricLines } from "@veil/test-support";
import { expect, it } from "vitest";
import { createMetrics } from "@veil/runtime";
import { clockSkewMetric, unreadableRecords } from "./open-backing-services.ts";
import { watchRedisMemory } from "./redis-memory.ts";
import { dependencyMetrics } from "./watch-dependencies.ts";

it("documents every metric that all services have in docs/metrics.md", () => {
  const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
  clockSkewMetric(metrics, { skewMs: null });
  dependencyMetrics(metrics);
  unreadableRecords(metrics, { error: () => undefined });
  void watchRedisMemory({ info: () => Promise.reject(new Error("away")) }, metrics).stop();
  const [buildInfo, ...others] = metricLines(metrics);
  const [documentedInfo, ...documented] = documentedMetricLines("Every service");
  // Its labels have the values of the process at hand.
  expect(buildInfo?.replaceAll(/ \([^)]*\)/g, "")).toBe(documentedInfo);
  expect(documented).toEqual(others);
});
