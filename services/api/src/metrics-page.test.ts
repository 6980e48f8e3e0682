import { createMetrics } from "@veil/runtime";
import { documentedMetricLines, metricLines } from "@veil/test-support";
import { expect, it } from "vitest";
import { linkMetrics } from "./link-faults.ts";
import { requestMetrics } from "./request-metrics.ts";

it("documents every metric of the API, and no other, in docs/metrics.md", () => {
  const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
  const common = metrics.descriptions.length;
  requestMetrics(metrics);
  linkMetrics(metrics);
  const own = { descriptions: metrics.descriptions.slice(common) };
  expect(documentedMetricLines("API").toSorted()).toEqual(metricLines(own).toSorted());
});
