import { type Baseline, type Direction, type EntryValue } from "./model.ts";

/** What a byte counts as on a node of which nothing else is said. */
export const PLAIN_MULTIPLIER = 1;

/** How the bytes of an entry count. */
export interface Multiplied {
  /** The generation with which the counter began its present growth; those since then split that one growth. */
  readonly run: number;
  /** Where the entry begins, as the counter had it. */
  readonly from: number;
  /** Where it ends at the latest, once somebody has reset the counter. */
  readonly to?: number;
  /** What a byte counts as: from 0 to 100, in steps of 0.1. */
  readonly multiplier: number;
}

type MultipliedEntry = EntryValue & { readonly multiplied: Multiplied };

/** Bytes that count in one direction. */
interface Counted {
  readonly direction: Direction;
  readonly bytes: number;
}

/**
 * What multiplied entries come to beyond the baseline, each run of them as a whole: a byte that several generations of it hold
 * counts once, with the largest of their multipliers, so that no value that is raised, in whichever order, lowers the figure.
 */
export function multipliedBeyond(baseline: Baseline, entries: readonly EntryValue[]): Counted[] {
  const runs = new Map<string, MultipliedEntry[]>();
  for (const entry of entries) {
    if (!isMultiplied(entry)) continue;
    const name = `${entry.node}:${entry.epoch}:${entry.multiplied.run} ${entry.direction}`;
    const run = runs.get(name);
    if (run === undefined) runs.set(name, [entry]);
    else run.push(entry);
  }
  return [...runs.values()].map((run) => countedOf(baseline, run));
}

function isMultiplied(entry: EntryValue): entry is MultipliedEntry {
  return entry.multiplied !== undefined;
}

function countedOf(baseline: Baseline, run: readonly MultipliedEntry[]): Counted {
  const newest = Math.max(...run.map(({ generation }) => generation));
  const stretches = run.flatMap((entry) => stretchBeyond(baseline, entry, newest) ?? []);
  return { direction: run[0]?.direction ?? "up", bytes: worthOf(stretches) };
}

/** A part of a counter's growth, and what each of its bytes counts as. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly tenths: number;
}

/**
 * Slow collectors may write to an earlier generation of the run in which the baseline lies. That is growth of the same counter:
 * beyond the baseline it counts, as the later ones do.
 *
 * @param newest the run's newest generation; when it is before the baseline's, the whole run is
 */
function stretchBeyond(baseline: Baseline, entry: MultipliedEntry, newest: number): Stretch | null {
  const { multiplied, epoch, direction, value: to } = entry;
  const stretch = { from: multiplied.from, to, tenths: Math.round(multiplied.multiplier * 10) };
  const nodeBaseline = baseline[entry.node];
  if (nodeBaseline === undefined || epoch > nodeBaseline.epoch) return stretch;
  const base = nodeBaseline[direction];
  if (epoch < nodeBaseline.epoch || newest < base.generation) return null;
  return base.generation < multiplied.run ? stretch : { ...stretch, from: Math.max(stretch.from, base.value) };
}

function worthOf(stretches: readonly Stretch[]): number {
  const edges = [...new Set(stretches.flatMap(({ from, to }) => (from < to ? [from, to] : [])))].toSorted(
    (a, b) => a - b,
  );
  let bytes = 0;
  let tenths = 0;
  for (const [index, to] of edges.entries()) {
    const from = edges[index - 1];
    if (from === undefined) continue;
    const largest = Math.max(0, ...stretches.flatMap((one) => (one.from <= from && one.to >= to ? [one.tenths] : [])));
    // By tens, so that no step on the way is larger than the result.
    bytes += Math.floor((to - from) / 10) * largest;
    tenths += ((to - from) % 10) * largest;
  }
  return bytes + Math.floor(tenths / 10);
}
