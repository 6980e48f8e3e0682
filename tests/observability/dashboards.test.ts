import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dashboardQueries, variableQueries } from "./dashboards/dashboard-queries.ts";
import { documentedMetrics } from "./dashboards/documented-metrics.ts";
import { metricNames } from "./dashboards/metric-names.ts";
import { type Panel, readDashboards } from "./dashboards/read-dashboards.ts";
import { runbookDashboard } from "./dashboards/runbook-dashboard.ts";
import { hasPromtool, promtool } from "./promtool.ts";

const dashboards = [...readDashboards()].map(([file, dashboard]) => ({ file, ...dashboard }));
const docs = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8");

describe.each(dashboards)("$title", (dashboard) => {
  const { file, uid, title, panels, templating } = dashboard;
  const isDocumented = documentedMetrics();
  const queries = [...dashboardQueries(dashboard), ...variableQueries(dashboard)];

  test("has the name of its file, and a line in the documentation", () => {
    expect(uid).toBe(`veil-${file.replace(".json", "")}`);
    expect(docs).toContain(`| ${title} |`);
  });

  test("gives each panel an id and a title of its own", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map((panel) => panel.title)).size).toBe(panels.length);
  });

  test("leads to all others, the runbook among them, for the same time, nodes and data source", () => {
    expect(dashboard.links[0]).toMatchObject({ keepTime: true, includeVars: true });
  });

  test("lays no panel over another one or over the edge", () => {
    const overlapping = panels.flatMap((one, index) =>
      panels
        .slice(index + 1)
        .filter((other) => overlap(one, other))
        .map((other) => [one.title, other.title]),
    );
    expect(overlapping).toEqual([]);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  test("gives each panel with a query a unit and thresholds", () => {
    const bare = panels.filter(({ targets, fieldConfig }) => targets.length > 0 && fieldConfig === undefined);
    expect(bare.map((panel) => panel.title)).toEqual([]);
  });

  test("lets the data source be chosen, and whatever else its queries leave open", () => {
    const offered = templating.list.map(({ name }) => name);
    expect(offered[0]).toBe("datasource");
    const asked = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => [...expr.matchAll(/\$([a-z]\w*)/g)]));
    const used = new Set(["datasource", ...asked.map(([, name]) => name)]);
    expect([...used].sort()).toEqual([...offered].sort());
  });

  test("asks for documented metrics alone", () => {
    const read = queries.flatMap(({ expr }) => metricNames(expr));
    expect(read.filter((name) => !isDocumented(name))).toEqual([]);
  });

  test.runIf(hasPromtool)("asks in PromQL (skipped where promtool is not on the PATH)", async () => {
    const directory = mkdtempSync(join(tmpdir(), "veil-queries-"));
    try {
      const rules = queries.map(({ expr }, index) => ({ record: `query:${index}`, expr }));
      const rulesFile = join(directory, "rules.json");
      writeFileSync(rulesFile, JSON.stringify({ groups: [{ name: title, rules }] }));
      expect(await promtool("check", "rules", rulesFile)).toContain(`${rules.length} rules found`);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

test("the runbook's dashboard says what docs/runbook.md says of each alert; `-u` writes it anew", async () => {
  const file = new URL("../../observability/grafana/dashboards/runbook.json", import.meta.url).pathname;
  const { panels, ...frame } = runbookDashboard();
  const titles = panels.map(({ title }) => title);
  const alerts = [...docs.matchAll(/^\| (Veil\w+(?:, Veil\w+)*) \|/gm)].flatMap(([, names = ""]) => names.split(", "));
  expect(alerts.length).toBeGreaterThan(20);
  expect(titles).toEqual(expect.arrayContaining(alerts));
  await expect(`${JSON.stringify({ ...frame, panels }, null, 2)}\n`).toMatchFileSnapshot(file);
});

function overlap({ gridPos: one }: Panel, { gridPos: other }: Panel): boolean {
  const apart = (from: number, length: number, otherFrom: number, otherLength: number) =>
    from + length <= otherFrom || otherFrom + otherLength <= from;
  return !apart(one.x, one.w, other.x, other.w) && !apart(one.y, one.h, other.y, other.h);
}

describe("the metrics of an expression", () => {
  test.each([
    ['sum by (le, operation) (rate(veil_a_bucket{operation="create"}[5m]))', ["veil_a_bucket"]],
    ["max(veil_b) / (veil:c:rate5m > 0) or vector(0)", ["veil_b", "veil:c:rate5m"]],
    ["veil_d == 0 unless on (node) veil_e", ["veil_d", "veil_e"]],
    ['1 - histogram_quantile(0.95, up{job=~"a|veil_f"})', ["up"]],
  ])("%s", (expr, names) => {
    expect(metricNames(expr)).toEqual(names);
  });
});
