import type { FleetArguments } from "../arguments.ts";
import { grouped } from "../harness/bench-case.ts";
import type { Machine } from "../harness/machine.ts";
import { median } from "../harness/summarize.ts";

/** One look at a quiet system, by process and by what was asked for. */
export interface FleetRound {
  /** CPU time by process, as a share of one core. */
  readonly percentOfCore: Readonly<Record<string, number>>;
  readonly rssMiB: Readonly<Record<string, number>>;
  readonly askedPerMinute: Readonly<Record<string, number>>;
}

/** Medians of the looks at one system. */
export interface FleetSummary extends FleetRound {
  readonly sizes: FleetArguments & { readonly keys: number };
  /** Of all processes together. */
  readonly totalPercent: number;
  readonly rounds: readonly FleetRound[];
}

export interface FleetReport {
  /** ISO 8601. */
  readonly at: string;
  readonly rounds: number;
  readonly machine: Machine;
  readonly fleets: readonly FleetSummary[];
}

/** The medians of all rounds over one size of system. */
export function summarizeFleet(sizes: FleetSummary["sizes"], rounds: readonly FleetRound[]): FleetSummary {
  return {
    sizes,
    totalPercent: median(rounds.map(({ percentOfCore }) => sumOf(percentOfCore))),
    percentOfCore: medians(rounds.map(({ percentOfCore }) => percentOfCore)),
    rssMiB: medians(rounds.map(({ rssMiB }) => rssMiB)),
    askedPerMinute: medians(rounds.map(({ askedPerMinute }) => askedPerMinute)),
    rounds,
  };
}

/** The table in Markdown: processes of one kind together. */
export function fleetTable({ at, rounds, machine, fleets }: FleetReport): string {
  const { cpu, cores, memoryGiB, node, mongodb, loadBefore } = machine;
  const load = loadBefore === null ? "" : `, load before the run ${loadBefore}`;
  const kinds = ["api", "worker", "collector", "mongodb", "redis", "xray"];
  const asked = Object.keys(fleets[0]?.askedPerMinute ?? {});
  const head = ["system", "% of a core", ...kinds, ...asked.map((what) => `${what} /min`), "MiB of the services"];
  const rows = fleets.map(({ sizes, totalPercent, percentOfCore, rssMiB, askedPerMinute }) => [
    `${grouped(sizes.keys)} keys, ${sizes.nodes} nodes, ${sizes.workers} workers, ${sizes.collectors} collectors`,
    totalPercent.toFixed(1),
    ...kinds.map((kind) => sumOf(ofKind(percentOfCore, kind)).toFixed(1)),
    ...asked.map((what) => (askedPerMinute[what] ?? 0).toFixed(1)),
    kinds
      .slice(0, 3)
      .reduce((sum, kind) => sum + sumOf(ofKind(rssMiB, kind)), 0)
      .toFixed(0),
  ]);
  return [
    `${at.slice(0, 10)}, ${rounds} rounds; ${cores} × ${cpu}, ${memoryGiB} GiB, Node ${node}, MongoDB: ${mongodb}${load}.`,
    "",
    ...[head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}

type Figures = Readonly<Record<string, number>>;

function ofKind(figures: Figures, kind: string): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([name]) => name.split(" ")[0] === kind));
}

function sumOf(figures: Figures): number {
  return Object.values(figures).reduce((sum, value) => sum + value, 0);
}

function medians(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name] ?? 0))]));
}
