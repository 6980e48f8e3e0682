import { readFileSync } from "node:fs";
import type { MetricDescription, Metrics } from "@veil/runtime";

/** The lines that a section of `docs/metrics.md` must have for what is registered: each metric's name, type, labels and help. */
export function metricLines({ descriptions }: Pick<Metrics, "descriptions">): string[] {
  return descriptions.map(
    ({ name, type, labels, help }) => `| \`${name}\` | ${type} | ${labelCell(labels)} | ${help} |`,
  );
}

/** The lines about metrics that a section of `docs/metrics.md` has. */
export function documentedMetricLines(heading: string): string[] {
  const page = readFileSync(new URL("../../../../docs/metrics.md", import.meta.url), "utf8");
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  return section.split("\n").filter((line) => line.startsWith("| `"));
}

function labelCell(labels: MetricDescription["labels"]): string {
  return Object.entries(labels)
    .map(([name, values]) => (values.length === 0 ? `\`${name}\`` : `\`${name}\` (${values.join(", ")})`))
    .join(", ");
}
