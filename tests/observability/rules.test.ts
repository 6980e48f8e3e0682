import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { documentedMetrics, readRules } from "./dashboards/documented-metrics.ts";
import { metricNames } from "./dashboards/metric-names.ts";
import { hasPromtool, prometheusDir, promtool } from "./promtool.ts";

const alerts = readRules("alerts.yml").map(({ alert = "", ...rest }) => ({ alert, ...rest }));
const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");
const testFiles = readdirSync(join(prometheusDir, "tests")).map((name) => join("tests", name));

const needsPromtool = hasPromtool ? "" : " (skipped: promtool, which comes with Prometheus, is not on the PATH)";

describe(`promtool${needsPromtool}`, () => {
  test.runIf(hasPromtool)("finds nothing wrong with the scrape configuration and the rules", async () => {
    expect(await promtool("check", "config", "prometheus.yml")).toMatch(/2 rule files found/);
  });

  test.runIf(hasPromtool).each(testFiles)("sees the rules do what %s says", async (file) => {
    expect(await promtool("test", "rules", file)).toContain("SUCCESS");
  });
});

test("every alert has a test of its own", () => {
  const tested = testFiles.map((file) => readFileSync(join(prometheusDir, file), "utf8")).join("\n");
  const untested = alerts.filter(
    ({ alert }) => !new RegExp(`exp_alerts:\\s*\\n\\s*- exp_labels`).test(after(tested, alert)),
  );
  expect(untested.map(({ alert }) => alert)).toEqual([]);
});

/** The text from the first test that expects an alert on. */
function after(text: string, alert: string): string {
  const found = new RegExp(`alertname: ${alert}\\n`).exec(text);
  return found === null ? "" : text.slice(found.index, found.index + 200);
}

describe.each(alerts)("the alert $alert", ({ alert, labels, annotations }) => {
  test("says how bad it is, what it is, what it means and where to read on", () => {
    expect(labels["severity"]).toMatch(/^(critical|warning)$/);
    expect(annotations["summary"]).toMatch(/^\S.{5,100}$/);
    expect(annotations["description"]).toMatch(/\.$/);
  });

  test("has a paragraph in the runbook", () => {
    const anchor = alert.toLowerCase();
    expect(annotations["runbook_url"]).toBe(`docs/runbook.md#${anchor}`);
    const paragraph = runbook.split(`\n### ${alert}\n`)[1]?.split(/\n#{2,3} /)[0] ?? "";
    expect(paragraph.trim().length).toBeGreaterThan(80);
  });
});

test("the runbook tells of no alert that does not exist", () => {
  const described = [...runbook.matchAll(/^### (Veil\w+)$/gm)].map(([, name]) => name);
  expect(described.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});

test("the rules read documented metrics alone", () => {
  const isDocumented = documentedMetrics();
  const rules = [...readRules("recording.yml"), ...readRules("alerts.yml")];
  const read = rules.flatMap(({ expr }) => metricNames(expr));
  expect(read.filter((name) => !isDocumented(name))).toEqual([]);
});

test("every recording rule is read by a rule", () => {
  const read = new Set(
    [...readRules("recording.yml"), ...readRules("alerts.yml")].flatMap(({ expr }) => metricNames(expr)),
  );
  const unread = readRules("recording.yml").filter(({ record = "" }) => !read.has(record));
  expect(unread.map(({ record }) => record)).toEqual([]);
});
