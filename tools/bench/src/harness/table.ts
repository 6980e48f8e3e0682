import { grouped, type Target } from "./bench-case.ts";
import type { Machine } from "./machine.ts";
import type { CaseSummary } from "./summarize.ts";

/** A whole run. */
export interface BenchReport {
  /** ISO 8601. */
  readonly at: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly machine: Machine;
  readonly cases: readonly CaseSummary[];
}

const columns = [
  "case",
  "measured against",
  "ours",
  "raw",
  "ratio",
  "goal",
  "spread",
  "CPU ms",
  "engines",
  "raw CPU",
  "MiB",
];

/** The table in Markdown, with the date and the machine above it. */
export function markdownTable(report: BenchReport): string {
  const rows = [columns, columns.map(() => "---"), ...report.cases.map(cells)];
  const notes = report.cases.flatMap(({ title, notes: all }) => all.map((note) => `- ${title}: ${note}`));
  return [
    headOf(report),
    "",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    ...(notes.length > 0 ? ["", ...notes] : []),
  ].join("\n");
}

/** The same for a terminal. */
export function plainTable(report: BenchReport): string {
  const rows = [columns, ...report.cases.map(cells)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
  return [headOf(report), ...lines].join("\n");
}

function headOf({ at, quick, rounds, machine }: BenchReport): string {
  const { cpu, cores, memoryGiB, node, system, mongodb, loadBefore } = machine;
  const load = loadBefore === null ? "" : `, load before the run ${loadBefore}`;
  return `${at.slice(0, 10)}, ${quick ? "quick run, " : ""}${rounds} rounds; ${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}, MongoDB: ${mongodb}${load}.`;
}

function cells(summary: CaseSummary): string[] {
  const {
    title,
    against,
    unit,
    ours,
    raw,
    ratio,
    target,
    spread,
    reached,
    cpuMsPerOperation,
    rawCpuMsPerOperation,
    rssMiB,
  } = summary;
  return [
    title,
    against,
    `${figure(ours)} ${unit}`,
    raw === null ? "–" : `${figure(raw)} ${unit}`,
    ratio === null ? "–" : figure(ratio),
    `${goal(target)} ${reached ? "✓" : "✗"}`,
    `± ${Math.round(spread * 100)} %`,
    cpuMsPerOperation === null ? "–" : figure(cpuMsPerOperation.services),
    cpuMsPerOperation === null ? "–" : figure(cpuMsPerOperation.engines),
    rawCpuMsPerOperation === null ? "–" : figure(rawCpuMsPerOperation),
    rssMiB === null ? "–" : figure(rssMiB),
  ];
}

function goal(target: Target): string {
  switch (target.kind) {
    case "at-least":
      return `≥ ${target.ratio}`;
    case "at-most":
      return `≤ ${target.ratio}`;
    case "within":
      return `< ${Math.round(target.ms) / 1_000} s`;
  }
}

function figure(value: number): string {
  if (Math.abs(value) >= 100) return grouped(Math.round(value));
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const begin = (name: string) => `<!-- bench ${name}: begin -->`;
const end = (name: string) => `<!-- bench ${name}: end -->`;

/**
 * Puts a table between its two markers in a page; what stood there goes.
 *
 * @throws {Error} when the page has no such markers
 */
export function placeTable(page: string, name: string, table: string): string {
  const from = page.indexOf(begin(name));
  const to = page.indexOf(end(name));
  if (from < 0 || to < from) throw new Error(`the page has no place for a table named ${name}`);
  return `${page.slice(0, from + begin(name).length)}\n${table}\n${page.slice(to)}`;
}
