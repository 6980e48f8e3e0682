import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiClient } from "../support/api-client.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient } from "../support/vpn-client.ts";
import { dashboardQueries, variableQueries } from "./dashboards/dashboard-queries.ts";
import { type Dashboard, readDashboards } from "./dashboards/read-dashboards.ts";
import { evaluateQuery, type QueryResult } from "./live/evaluate-query.ts";
import { keepSurfing, type Surfing } from "./live/keep-surfing.ts";
import { keepUsing, type Usage } from "./live/keep-using.ts";
import { type RunningPrometheus, startPrometheus } from "./live/start-prometheus.ts";
import { type AlertWatch, watchAlerts } from "./live/watch-alerts.ts";
import { reportText } from "./live/write-report.ts";
import { drawDashboard } from "./picture/draw-dashboard.ts";
import { capture, type Capture, captureShape } from "./picture/capture.ts";
import { findChromium, screenshot } from "./picture/screenshot.ts";

const BOTS = 3;
const PEOPLE = 3;
/** Rates over a minute have whole windows by then, and reconcile passes have been seen. */
const WARM_UP_MS = 150_000;
const outageMs = Number(process.env["OUTAGE_SECONDS"] ?? 90) * 1_000;
/** Rates over five minutes forget the outage in that time. */
const CLEARED_WITHIN_MS = 480_000;
/** The alerts that an Xray that hangs must raise; a reset of traffic fails with it. */
const expectedAlerts = ["VeilApiErrors", "VeilProvisioningFailing", "VeilXrayDown"];
/** These tell how busy the machine is on which this runs. */
const ofLatency = ["VeilApiSlow", "VeilProvisioningSlow"];
/** Pictures and the report, for people to look at. */
const resultsDir = fileURLToPath(new URL("../../test-results/observability/", import.meta.url));

const dashboards = readDashboards();
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let prometheus: RunningPrometheus;
let bytes: ByteServer;
let usage: Usage;
let surfing: Surfing;
let watch: AlertWatch;
let queries: QueryResult[] = [];
let begunAt = 0;

beforeAll(async () => {
  await mkdir(resultsDir, { recursive: true });
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path, { METRICS_TOP_USERS: "20" });
  prometheus = await startPrometheus(dataDir.path);
  begunAt = Date.now() / 1_000;
  usage = keepUsing({ url: stack.apiUrl, key: stack.apiKey }, BOTS);
  surfing = keepSurfing(await connectPeople(), bytes);
});

afterAll(async () => {
  await watch?.stop();
  await usage?.stop();
  await surfing?.stop();
  const report = {
    queries,
    alerts: watch?.stories() ?? [],
    answers: usage.answers,
    failedTransfers: surfing.failures(),
  };
  await writeFile(join(resultsDir, "report.md"), reportText(report));
  process.stdout.write(`\n${reportText(report)}\n`);
  await prometheus?.stop();
  await stack?.stop();
  await cp(join(dataDir.path, "logs"), join(resultsDir, "logs"), { recursive: true });
  await bytes?.stop();
  await dataDir.remove();
});

async function connectPeople() {
  const api = new ApiClient(stack.apiUrl, stack.apiKey);
  const { xray } = await stack.readRunFile();
  return Promise.all(
    Array.from({ length: PEOPLE }, async (_, index) => {
      const { key_id } = await api.create(`person ${index}`);
      return startVpnClient(xray.binary, await api.link(key_id));
    }),
  );
}

test("under load every query of every dashboard has data", async () => {
  await sleep(WARM_UP_MS);
  const targets = (await prometheus.targets()).map(({ labels, health }) => `${labels["job"]} ${health}`);
  expect(targets.sort()).toEqual(["veil-api up", "veil-stats-collector up", "veil-xray-worker up"]);
  for (const dashboard of dashboards.values()) {
    for (const query of [...variableQueries(dashboard), ...dashboardQueries(dashboard)]) {
      queries = [...queries, await evaluateQuery(prometheus, query)];
    }
  }
  expect((await prometheus.alerts()).filter(({ state }) => state === "firing")).toEqual([]);
  expect(
    queries.filter(({ series }) => series === 0).map(({ dashboard, panel, expr }) => [dashboard, panel, expr]),
  ).toEqual([]);
});

test("Xray that hangs and is then killed raises the right alerts, and they clear", async () => {
  watch = watchAlerts(prometheus);
  const { pid } = (await stack.readRunFile()).xray;
  process.kill(pid, "SIGSTOP");
  await sleep(outageMs);
  await keep("overview-outage.json");
  process.kill(pid, "SIGKILL");
  await untilQuiet();
  await keep("overview.json");

  const fired = watch.stories().filter(({ name, firingAt }) => firingAt !== undefined && !ofLatency.includes(name));
  expect([...new Set(fired.map(({ name }) => name))].sort()).toEqual(expectedAlerts);
  expect(fired.filter(({ clearedAt }) => clearedAt === undefined)).toEqual([]);
});

async function untilQuiet(): Promise<void> {
  const deadline = performance.now() + CLEARED_WITHIN_MS;
  const quietMs = 30_000;
  for (let quietSince = performance.now(); performance.now() < deadline; await sleep(1_000)) {
    if (watch.active(ofLatency) > 0) quietSince = performance.now();
    else if (performance.now() - quietSince > quietMs) return;
  }
}

async function keep(file: string): Promise<void> {
  await writeFile(join(resultsDir, file), JSON.stringify(await capture(prometheus, overview(), begunAt)));
}

function overview(): Dashboard {
  const found = dashboards.get("overview.json");
  if (found === undefined) throw new Error("there is no overview");
  return found;
}

test.runIf(findChromium() !== undefined).each(["overview", "overview-outage"])(
  "the picture %s is drawn",
  async (name) => {
    const captured: Capture = captureShape.parse(JSON.parse(await readFile(join(resultsDir, `${name}.json`), "utf8")));
    await screenshot(drawDashboard(overview(), captured), join(resultsDir, `${name}.png`));
  },
);
