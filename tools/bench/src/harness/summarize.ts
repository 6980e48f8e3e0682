import type { BenchCase } from "./bench-case.ts";
import type { CaseRounds } from "./run-case.ts";

/** One line of the table. */
export interface CaseSummary {
  readonly name: string;
  /** How many keys were present at its start. */
  readonly keys: number;
  readonly title: string;
  readonly against: string;
  readonly unit: "/s" | "ms";
  readonly target: BenchCase["target"];
  readonly ours: number;
  /** Null when there is nothing to compare with. */
  readonly raw: number | null;
  /** Median of the rounds' own ratios, ours to raw. */
  readonly ratio: number | null;
  /** Half of the distance between the largest and the smallest round of ours, as a part of the median. */
  readonly spread: number;
  readonly reached: boolean;
  readonly cpuMsPerOperation: { readonly services: number; readonly engines: number } | null;
  /** Of the raw side's processes. */
  readonly rawCpuMsPerOperation: number | null;
  readonly rssMiB: number | null;
  readonly notes: readonly string[];
  readonly rounds: CaseRounds;
}

/** Puts the rounds of a case into one line. */
export function summarize(benchCase: BenchCase, keys: number, rounds: CaseRounds): CaseSummary {
  const { name, against, unit, target } = benchCase;
  const values = rounds.ours.map(({ value }) => value);
  const ours = median(values);
  const ratio = rounds.raw.length === 0 ? null : median(values.map((value, round) => value / (rounds.raw[round] ?? 0)));
  const costs = rounds.ours.flatMap(({ cpuMsPerOperation }) => (cpuMsPerOperation === null ? [] : [cpuMsPerOperation]));
  const memory = rounds.ours.flatMap(({ rssMiB }) => (rssMiB === null ? [] : [rssMiB]));
  return {
    name,
    keys,
    title: benchCase.title(keys),
    against,
    unit,
    target,
    ours,
    raw: rounds.raw.length === 0 ? null : median(rounds.raw),
    ratio,
    spread: (Math.max(...values) - Math.min(...values)) / 2 / ours,
    reached: isReached(target, ours, ratio),
    cpuMsPerOperation:
      costs.length === 0
        ? null
        : { services: median(costs.map((cost) => cost.services)), engines: median(costs.map((cost) => cost.engines)) },
    rawCpuMsPerOperation: rounds.rawCpuMsPerOperation.length === 0 ? null : median(rounds.rawCpuMsPerOperation),
    rssMiB: memory.length === 0 ? null : Math.max(...memory),
    notes: rounds.notes,
    rounds,
  };
}

function isReached(target: BenchCase["target"], ours: number, ratio: number | null): boolean {
  switch (target.kind) {
    case "within":
      return ours <= target.ms;
    case "at-least":
      return ratio !== null && ratio >= target.ratio;
    case "at-most":
      return ratio !== null && ratio <= target.ratio;
  }
}

/** The middle value, the mean of the two middle ones of an even number; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
