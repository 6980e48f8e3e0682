import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { prometheusDir } from "../promtool.ts";

/** Figures of a Node process that prom-client adds; docs/metrics.md names them as a whole. */
const processMetric = /^(nodejs|process)_\w+$/;
/** The metrics that Prometheus makes itself. */
const ownOfPrometheus = new Set(["up", "ALERTS"]);

const ruleFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          record: z.string().optional(),
          alert: z.string().optional(),
          expr: z.string(),
          labels: z.record(z.string(), z.string()).default({}),
          annotations: z.record(z.string(), z.string()).default({}),
        }),
      ),
    }),
  ),
});

export type Rule = z.infer<typeof ruleFile>["groups"][number]["rules"][number];

/** All rules of a file in the folder of the rules. */
export function readRules(file: "recording.yml" | "alerts.yml"): Rule[] {
  const text = readFileSync(join(prometheusDir, "rules", file), "utf8");
  return ruleFile.parse(parse(text)).groups.flatMap(({ rules }) => rules);
}

/** Whether docs/metrics.md or a recording rule says what a series is. */
export function documentedMetrics(): (name: string) => boolean {
  const page = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|/gm)];
  const named = rows.flatMap(([, name = "", type]) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  );
  const recorded = readRules("recording.yml").map(({ record = "" }) => record);
  const known = new Set([...named, ...recorded]);
  return (name) => known.has(name) || ownOfPrometheus.has(name) || processMetric.test(name);
}
