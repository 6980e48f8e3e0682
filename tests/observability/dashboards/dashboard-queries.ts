import type { Dashboard } from "./read-dashboards.ts";

/** One query of one panel, with everything chosen that can be chosen. */
export interface DashboardQuery {
  readonly dashboard: string;
  readonly panel: string;
  readonly refId: string;
  readonly expr: string;
  /** Asks for the last value alone. */
  readonly instant: boolean;
}

/** Every query of a dashboard's panels. */
export function dashboardQueries({ title, panels }: Dashboard): DashboardQuery[] {
  return panels.flatMap((panel) =>
    panel.targets.map(({ refId, expr, instant }) => ({
      dashboard: title,
      panel: panel.title,
      refId,
      expr: fillIn(expr),
      instant,
    })),
  );
}

/** The metrics and labels that the dashboard's variables ask for, as queries. */
export function variableQueries({ title, templating }: Dashboard): DashboardQuery[] {
  return templating.list.flatMap(({ name, query }) => {
    if (typeof query === "string") return [];
    const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(query.query) ?? [];
    const expr = `count by (${label}) (${metric})`;
    return [{ dashboard: title, panel: `variable ${name}`, refId: "", expr, instant: true }];
  });
}

/** Fills in a query as Grafana would: all nodes and queues, four scrape intervals of 15 s, and the last five minutes. */
export function fillIn(expr: string): string {
  return expr
    .replaceAll("$__rate_interval", "1m")
    .replaceAll("$__range", "5m")
    .replaceAll(/\$(node|queue)\b/g, ".*");
}
