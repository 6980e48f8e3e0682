import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";
import { type InvariantName, invariantTexts } from "../invariants/invariant-list.ts";
import type { FaultReport, Figures } from "./fault-test.ts";

/** Prints a line as each fault is done, and at the end the table fault × invariant with its figures. */
export class FaultReporter implements Reporter {
  readonly #reports: FaultReport[] = [];
  readonly #begun = Date.now();

  onTestCaseResult(testCase: TestCase): void {
    const report = testCase.meta().faultReport;
    if (report !== undefined) this.#reports.push(report);
    const count = report === undefined ? 0 : violationsOf(report);
    const { state } = testCase.result();
    if (state === "skipped") return;
    this.#say(
      `${testCase.name}: ${report?.rounds ?? 0} rounds, ${count} violations${state === "passed" ? "" : ` (${state})`}`,
    );
    for (const note of report?.notes ?? []) this.#say(`    ${note}`);
    for (const line of violationLines(report)) this.#say(`    ${line}`);
    for (const error of testCase.result().errors ?? []) if (count === 0) this.#say(`    ${error.message}`);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    // A module that can't be loaded fails no test case, and would end the run without a word.
    for (const error of [...modules.flatMap((one) => one.errors()), ...unhandled])
      this.#say(error.stack ?? error.message);
    if (this.#reports.length === 0) return;
    process.stdout.write(`\n${table(this.#reports)}\n\n${legend(this.#reports)}\n\n${totals(this.#reports)}\n`);
  }

  #say(line: string): void {
    const seconds = Math.round((Date.now() - this.#begun) / 1000);
    process.stdout.write(`${String(seconds).padStart(5)} s  ${line}\n`);
  }
}

function violationsOf({ invariants }: FaultReport): number {
  return Object.values(invariants).reduce((sum, { violations }) => sum + violations.length, 0);
}

const MOST_LINES = 20;

function violationLines(report: FaultReport | undefined): string[] {
  const lines = Object.entries(report?.invariants ?? {}).flatMap(([invariant, { violations }]) =>
    violations.map((violation) => `${invariant}: ${violation}`),
  );
  return lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), `… and ${lines.length - MOST_LINES} more`] : lines;
}

function usedInvariants(reports: readonly FaultReport[]): InvariantName[] {
  const used = new Set(reports.flatMap(({ invariants }) => Object.keys(invariants)));
  return invariantNames().filter((name) => used.has(name));
}

function invariantNames(): InvariantName[] {
  return Object.keys(invariantTexts).filter((name): name is InvariantName => Object.hasOwn(invariantTexts, name));
}

/** Violations of each invariant under each fault; a dot where it was not looked at. */
function table(reports: readonly FaultReport[]): string {
  const invariants = usedInvariants(reports);
  const head = ["fault", "rounds", ...invariants];
  const rows = reports.map(({ fault, rounds, invariants: found }) => [
    fault,
    String(rounds),
    ...invariants.map((name) => String(found[name]?.violations.length ?? "·")),
  ]);
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ");
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

function legend(reports: readonly FaultReport[]): string {
  const width = Math.max(...invariantNames().map((name) => name.length));
  return usedInvariants(reports)
    .map((name) => `${name.padEnd(width)}  ${invariantTexts[name]} (${checksOf(name, reports)} checks)`)
    .join("\n");
}

function checksOf(name: InvariantName, reports: readonly FaultReport[]): number {
  return reports.reduce((sum, { invariants }) => sum + (invariants[name]?.checks ?? 0), 0);
}

function totals(reports: readonly FaultReport[]): string {
  const sum = (name: keyof Figures) => reports.reduce((total, { figures }) => total + figures[name], 0);
  const rounds = reports.reduce((total, { rounds: count }) => total + count, 0);
  const violations = reports.reduce((total, report) => total + violationsOf(report), 0);
  return [
    `${reports.length} faults, ${rounds} rounds: ${sum("kills")} kills, ${sum("hangs")} hangs,`,
    `${sum("terminations")} SIGTERMs, ${sum("brokenCalls")} broken calls, ${sum("requests")} requests,`,
    `${(sum("bytes") / 1e6).toFixed(1)} MB through tunnels; ${violations} violations`,
  ].join(" ");
}
