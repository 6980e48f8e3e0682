import type { DashboardQuery } from "../dashboards/dashboard-queries.ts";
import type { RunningPrometheus } from "./start-prometheus.ts";

/** The result of a query of a dashboard. */
export interface QueryResult extends DashboardQuery {
  /** Series with a number among their values. */
  readonly series: number;
  /** The last value of the first of them. */
  readonly example: number | undefined;
}

const RANGE_SECONDS = 120;
const STEP_SECONDS = 15;

/** Asks as Grafana would: for the last value, or for the last two minutes. */
export async function evaluateQuery(prometheus: RunningPrometheus, query: DashboardQuery): Promise<QueryResult> {
  const to = Date.now() / 1_000;
  const found = query.instant
    ? await prometheus.query(query.expr)
    : await prometheus.queryRange(query.expr, { from: to - RANGE_SECONDS, to, step: STEP_SECONDS });
  const numbers = found
    .map(({ values }) => values.map(([, value]) => value).filter((value) => Number.isFinite(value)))
    .filter((values) => values.length > 0);
  return { ...query, series: numbers.length, example: numbers[0]?.at(-1) };
}
