import { z } from "zod";
import { fillIn } from "../dashboards/dashboard-queries.ts";
import type { Dashboard } from "../dashboards/read-dashboards.ts";
import type { RunningPrometheus } from "../live/start-prometheus.ts";

const line = z.object({
  legend: z.string(),
  /** Unix seconds and value; what is no number is left out. */
  points: z.array(z.tuple([z.number(), z.number()])),
});

/** A dashboard at a moment, by the id of the panel. */
export const captureShape = z.object({
  from: z.number(),
  to: z.number(),
  step: z.number(),
  panels: z.record(z.string(), z.array(line)),
  alerts: z.array(z.object({ name: z.string(), summary: z.string(), state: z.string(), severity: z.string() })),
});

export type Capture = z.infer<typeof captureShape>;
export type Line = z.infer<typeof line>;

const LONGEST_SECONDS = 900;
const STEP_SECONDS = 15;

/** Asks every query of the dashboard for the time since then, the last quarter of an hour at most. */
export async function capture(prometheus: RunningPrometheus, { panels }: Dashboard, since: number): Promise<Capture> {
  const to = Math.floor(Date.now() / 1_000);
  const range = { from: Math.max(Math.floor(since), to - LONGEST_SECONDS), to, step: STEP_SECONDS };
  const captured: Capture["panels"] = {};
  for (const { id, targets } of panels) {
    captured[id] = [];
    for (const { expr, legendFormat } of targets) {
      for (const { metric, values } of await prometheus.queryRange(fillIn(expr), range)) {
        const points = values.filter(([, value]) => Number.isFinite(value));
        if (points.length > 0) captured[id].push({ legend: legendOf(legendFormat, metric), points });
      }
    }
  }
  const alerts = (await prometheus.alerts()).map(({ labels, annotations, state }) => ({
    name: labels["alertname"] ?? "",
    severity: labels["severity"] ?? "",
    summary: annotations["summary"] ?? "",
    state,
  }));
  return { ...range, panels: captured, alerts };
}

function legendOf(format: string, metric: Readonly<Record<string, string>>): string {
  return format.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? "");
}
