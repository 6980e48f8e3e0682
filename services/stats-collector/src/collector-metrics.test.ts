import { createMetrics } from "@veil/service-runtime";
import { expect, it } from "vitest";
import { collectorMetrics } from "./collector-metrics.ts";

const NOW = 1_700_000_000_000;

function metricsAt(now: () => number) {
  const metrics = createMetrics({ service: "test", version: "0", defaultMetrics: false });
  const nodes = [
    { name: "a", reachable: true },
    { name: "b", reachable: false },
  ];
  return { registry: metrics.registry, measured: collectorMetrics({ metrics, nodes, clock: { now } }) };
}

it("shows totals as MongoDB has them, and nothing before they are known", async () => {
  const { registry, measured } = metricsAt(() => NOW);
  expect(await registry.metrics()).not.toMatch(/veil_traffic_bytes_total\{/);
  measured.report({ node: "a", seenAt: NOW, restarts: 2, carried: { up: 1_000, down: 0 } });
  measured.report({ node: "a", seenAt: NOW, restarts: 3, carried: { up: 1_500, down: 7 } });
  const text = await registry.metrics();
  expect(text).toContain('veil_traffic_bytes_total{node="a",direction="upload"} 1500');
  expect(text).toContain('veil_traffic_bytes_total{node="a",direction="download"} 7');
  expect(text).toContain('veil_xray_restarts_total{node="a"} 3');
});

it("never lets a total fall", async () => {
  const { registry, measured } = metricsAt(() => NOW);
  measured.report({ node: "a", seenAt: NOW, restarts: 0, carried: { up: 1_000, down: 0 } });
  measured.report({ node: "a", seenAt: NOW, restarts: 0, carried: { up: 900, down: 0 } });
  expect(await registry.metrics()).toContain('veil_traffic_bytes_total{node="a",direction="upload"} 1000');
});

it("shows the age of the last reading, since the start when there was none", async () => {
  let now = NOW;
  const { registry, measured } = metricsAt(() => now);
  now += 30_000;
  measured.report({ node: "a", seenAt: now - 5_000, restarts: 0, carried: { up: 0, down: 0 } });
  const text = await registry.metrics();
  expect(text).toContain('veil_traffic_sync_age_seconds{node="a"} 5');
  expect(text).toContain('veil_traffic_sync_age_seconds{node="b"} 30');
});

it("shows which nodes answer, how long syncs take and how jobs end", async () => {
  const { registry, measured } = metricsAt(() => NOW);
  measured.synced("a", 20);
  measured.jobStep({
    queue: "veil-traffic",
    name: "reset-traffic",
    jobId: "1",
    requestId: "1",
    attempt: 1,
    state: "completed",
    durationMs: 1,
  });
  const text = await registry.metrics();
  expect(text).toContain('veil_xray_up{node="a"} 1');
  expect(text).toContain('veil_xray_up{node="b"} 0');
  expect(text).toContain('veil_traffic_sync_duration_seconds_count{node="a"} 1');
  expect(text).toContain('veil_jobs_total{queue="veil-traffic",name="reset-traffic",result="completed"} 1');
});
