import type { QueryResult } from "./evaluate-query.ts";
import type { AlertStory } from "./watch-alerts.ts";

export interface LiveReport {
  readonly queries: readonly QueryResult[];
  readonly alerts: readonly AlertStory[];
  readonly answers: ReadonlyMap<string, number>;
  readonly failedTransfers: number;
}

/** The report, as Markdown. */
export function reportText({ queries, alerts, answers, failedTransfers }: LiveReport): string {
  const withData = queries.filter(({ series }) => series > 0).length;
  return [
    "# Observability, live",
    "",
    `## Queries of the dashboards: ${queries.length}, with data ${withData}`,
    "",
    "| dashboard | panel | | query | series | example |",
    "|---|---|---|---|---|---|",
    ...queries.map(
      ({ dashboard, panel, refId, expr, series, example }) =>
        `| ${dashboard} | ${panel} | ${refId} | \`${expr.replaceAll("|", "\\|")}\` | ${series || "**none**"} | ${shown(example)} |`,
    ),
    "",
    "## Alerts while Xray was away, in seconds since it stopped",
    "",
    "| alert | of | pending | firing | cleared | said |",
    "|---|---|---|---|---|---|",
    ...alerts.map(
      ({ name, labels, pendingAt, firingAt, clearedAt, summary }) =>
        `| ${name} | ${labels} | ${pendingAt ?? "–"} | ${firingAt ?? "–"} | ${clearedAt ?? "–"} | ${summary} |`,
    ),
    "",
    "## Answers to the load",
    "",
    ...[...answers].sort().map(([what, count]) => `- ${what}: ${count}`),
    `- transfers through the tunnel that broke: ${failedTransfers}`,
    "",
  ].join("\n");
}

function shown(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toPrecision(4)));
}
