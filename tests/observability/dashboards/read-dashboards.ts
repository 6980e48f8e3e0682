import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const dashboardsDir = fileURLToPath(new URL("../../../observability/grafana/dashboards/", import.meta.url));

const datasource = z.object({ type: z.literal("prometheus"), uid: z.literal("${datasource}") });

const target = z.object({
  refId: z.string().min(1),
  datasource,
  expr: z.string().min(1),
  legendFormat: z.string(),
  instant: z.boolean(),
  range: z.boolean(),
});

const thresholds = z.object({
  mode: z.literal("absolute"),
  steps: z.array(z.object({ color: z.string(), value: z.number().nullable() })).min(1),
});

const panel = z.object({
  id: z.int().positive(),
  type: z.enum(["stat", "timeseries", "state-timeline", "heatmap", "bargauge", "alertlist", "text"]),
  title: z.string().min(1),
  description: z.string().min(1),
  gridPos: z.object({
    x: z.int().min(0).max(23),
    y: z.int().min(0),
    w: z.int().min(1).max(24),
    h: z.int().min(2),
  }),
  targets: z.array(target).default([]),
  fieldConfig: z
    .object({ defaults: z.object({ unit: z.string().min(1), thresholds, decimals: z.number().optional() }) })
    .optional(),
});

const variable = z.object({
  name: z.string(),
  type: z.enum(["datasource", "query"]),
  query: z.union([z.string(), z.object({ query: z.string() })]),
});

const link = z.object({
  type: z.literal("dashboards"),
  tags: z.tuple([z.literal("veil")]),
  includeVars: z.boolean(),
  keepTime: z.boolean(),
});

const dashboard = z.object({
  uid: z.string().startsWith("veil-"),
  title: z.string().startsWith("Veil / "),
  schemaVersion: z.int().min(39),
  tags: z.tuple([z.literal("veil")]),
  links: z.tuple([link]),
  annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
  templating: z.object({ list: z.array(variable) }),
  panels: z.array(panel).min(1),
});

/** The parts of a Grafana dashboard that are looked at. */
export type Dashboard = z.infer<typeof dashboard>;
export type Panel = z.infer<typeof panel>;

/** Every dashboard, by the name of its file. @throws when one is not as Grafana needs it */
export function readDashboards(): ReadonlyMap<string, Dashboard> {
  const names = readdirSync(dashboardsDir).filter((name) => name.endsWith(".json"));
  return new Map(
    names.map((name) => [name, dashboard.parse(JSON.parse(readFileSync(join(dashboardsDir, name), "utf8")))]),
  );
}
