import type { QueueFigures } from "@veil/job-queue";
import { createMetrics } from "@veil/runtime";
import { expect, it } from "vitest";
import type { NodeFigures } from "./cluster/cluster-figures.ts";
import { collectorMetrics } from "./collector-metrics.ts";

const NOW = 1_700_000_000_000;

const queue: QueueFigures = {
  queue: "veil-keys",
  counts: { active: 1, completed: 7, delayed: 0, failed: 2, prioritized: 0, waiting: 3, "waiting-children": 0 },
  completed: 900,
  failed: 4,
  oldestWaiting: NOW - 2_500,
};

const answering: NodeFigures = {
  answers: true,
  uptimeSeconds: 77,
  online: 5,
  traffic: [
    { dimension: "inbound", target: "vless-in", link: "uplink", bytes: 11 },
    { dimension: "user", target: "1@veil", link: "downlink", bytes: 12 },
  ],
  usersUncounted: true,
};
const away: NodeFigures = { answers: false, uptimeSeconds: null, online: null, traffic: [], usersUncounted: false };

function metricsAt(
  now: () => number,
  { reports = true, nodes = ["a", "b"] }: { reports?: boolean; nodes?: readonly string[] } = {},
) {
  const metrics = createMetrics({ service: "test", version: "0", defaultMetrics: false });
  const measured = collectorMetrics({ metrics, nodes: () => nodes, clock: { now } });
  const shown = { reports };
  const figures = {
    keys: { creating: 1, active: 20, deleting: 3 },
    queues: [queue],
    webhooks: { counts: { on: 4, off: 0, dead: 1 }, waiting: 6, oldestAt: NOW - 90_000 },
    nodes: new Map([
      ["a", answering],
      ["b", away],
    ]),
  };
  measured.showCluster(() => (shown.reports ? { figures, isReachable: (node) => node === "a" } : null));
  return { page: () => metrics.registry.metrics(), measured, shown };
}

it("shows totals as MongoDB has them, and nothing before they are known", async () => {
  const { page, measured } = metricsAt(() => NOW);
  expect(await page()).not.toMatch(/veil_traffic_bytes_total\{/);
  measured.report({ node: "a", seenAt: NOW, restarts: 2, carried: { up: 1_000, down: 0 } });
  measured.report({ node: "a", seenAt: NOW, restarts: 3, carried: { up: 1_500, down: 7 } });
  const text = await page();
  expect(text).toContain('veil_traffic_bytes_total{node="a",direction="upload"} 1500');
  expect(text).toContain('veil_traffic_bytes_total{node="a",direction="download"} 7');
  expect(text).toContain('veil_xray_restarts_total{node="a"} 3');
});

it("never lets a total fall, nor grow by being read twice", async () => {
  const { page, measured } = metricsAt(() => NOW);
  measured.report({ node: "a", seenAt: NOW, restarts: 0, carried: { up: 1_000, down: 0 } });
  measured.report({ node: "a", seenAt: NOW, restarts: 0, carried: { up: 900, down: 0 } });
  await page();
  expect(await page()).toContain('veil_traffic_bytes_total{node="a",direction="upload"} 1000');
});

it("shows the age of the last reading, since the start when there was none", async () => {
  let now = NOW;
  const { page, measured } = metricsAt(() => now);
  now += 30_000;
  measured.report({ node: "a", seenAt: now - 5_000, restarts: 0, carried: { up: 0, down: 0 } });
  const text = await page();
  expect(text).toContain('veil_traffic_sync_age_seconds{node="a"} 5');
  expect(text).toContain('veil_traffic_sync_age_seconds{node="b"} 30');
});

it("shows keys, queues and nodes as they were last read", async () => {
  const { page } = metricsAt(() => NOW);
  const text = await page();
  for (const line of [
    'veil_keys{state="active"} 20',
    'veil_oldest_waiting_job_age_seconds{queue="veil-keys"} 2.5',
    'bullmq_job_count{queue="veil-keys",state="waiting"} 3',
    'bullmq_job_completed_total{queue="veil-keys"} 900',
    'bullmq_job_failed_total{queue="veil-keys"} 4',
    'veil_xray_up{node="a"} 1',
    'veil_xray_up{node="b"} 0',
    'veil_xray_online_users{node="a"} 5',
    'veil_webhooks{state="dead"} 1',
    "veil_webhook_events_waiting 6",
    "veil_webhook_oldest_undelivered_seconds 90",
    'v2ray_up{node="a"} 1',
    'v2ray_up{node="b"} 0',
    'v2ray_uptime_seconds{node="a"} 77',
    'v2ray_traffic_uplink_bytes_total{node="a",dimension="inbound",target="vless-in"} 11',
    'v2ray_traffic_downlink_bytes_total{node="a",dimension="user",target="1@veil"} 12',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

it("shows nothing of the whole system while another collector does", async () => {
  const { page, measured, shown } = metricsAt(() => NOW);
  measured.report({ node: "a", seenAt: NOW, restarts: 2, carried: { up: 1_000, down: 0 } });
  await page();
  shown.reports = false;
  expect(await page()).not.toMatch(
    /^(bullmq_|v2ray_|veil_(keys|oldest|xray_(up|restarts|online)|traffic_(bytes|sync_age)))\w*[{ ]/m,
  );
});

it("shows how syncs and jobs end", async () => {
  const { page, measured } = metricsAt(() => NOW);
  measured.synced("a", 20, "ok");
  measured.synced("a", 20, "error");
  measured.jobStep({
    queue: "veil-traffic",
    name: "reset-traffic",
    jobId: "1",
    requestId: "1",
    attempt: 1,
    state: "completed",
    durationMs: 1,
    waitedMs: 3,
  });
  const text = await page();
  expect(text).toContain('veil_traffic_sync_duration_seconds_count{node="a"} 1');
  expect(text).toContain('veil_traffic_sync_total{node="a",result="error"} 1');
  expect(text).toContain('veil_jobs_total{queue="veil-traffic",name="reset-traffic",result="completed"} 1');
  expect(text).toContain('veil_job_wait_duration_seconds_count{queue="veil-traffic",name="reset-traffic"} 1');
});

it("takes in the report of a node of many by a look at each name, and not by one for each pair of them", () => {
  let looks = 0;
  const names = Array.from({ length: 100 }, (_, index) => `n${index}`);
  const nodes = new Proxy(names, {
    get: (of, field, receiver): unknown => {
      looks += 1;
      return Reflect.get(of, field, receiver);
    },
  });
  const { measured } = metricsAt(() => NOW, { nodes });
  const reportAll = () => {
    for (const node of names) measured.report({ node, seenAt: NOW, restarts: 0, carried: { up: 1, down: 1 } });
  };
  reportAll();
  looks = 0;
  reportAll();
  expect(looks).toBeLessThan(4 * names.length * names.length);
});

it("keeps nothing of a node that was no more when others reported: one of its name begins anew", async () => {
  const nodes = ["a", "b"];
  const { page, measured } = metricsAt(() => NOW, { nodes });
  measured.report({ node: "a", seenAt: NOW, restarts: 0, carried: { up: 1_000, down: 0 } });
  nodes.shift();
  measured.report({ node: "b", seenAt: NOW, restarts: 0, carried: { up: 1, down: 0 } });
  nodes.push("a");
  measured.report({ node: "a", seenAt: NOW, restarts: 0, carried: { up: 7, down: 0 } });
  expect(await page()).toContain('veil_traffic_bytes_total{node="a",direction="upload"} 7');
});
