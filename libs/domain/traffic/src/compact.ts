import {
  type Baseline,
  type Bytes,
  type CounterState,
  type Direction,
  eachDirection,
  type EntryValue,
  formatEntryId,
  type NodeBaseline,
  parseEntryId,
  totalBeyond,
} from "./model.ts";
import { counterStateOf, entriesAt, type LedgerView, totalsOf, viewOf } from "./ledger-view.ts";
import { PLAIN_MULTIPLIER } from "./multiplied.ts";
import { newestEpochs } from "./reset.ts";
import type { MultiplierChange, TrafficRecord } from "./traffic-record.ts";

/** A record is worth compacting when it holds more dead entries, or more events, than this. */
const KEPT = 16;

/** How many answers of resets a record remembers, for runs of the same job that come late. */
const KEPT_ANSWERS = 32;

/**
 * Whether nobody writes to entries of a series of lives any more, as all of them are over: then the record need not know where they
 * end.
 *
 * @param epoch the newest one that the record knows
 */
export type IsForgotten = (series: string, epoch: number) => boolean;

const noneIsForgotten: IsForgotten = () => false;

/** Whether a record has grown enough to be worth {@link compact}. */
export function needsCompaction(record: TrafficRecord, isForgotten = noneIsForgotten): boolean {
  const { live, log } = record;
  const entries = Object.keys(live);
  const nodes = new Set(entries.map((name) => name.slice(0, name.indexOf(":"))));
  const multiplied = log.flatMap((event) => (event.kind === "multiplier-change" ? [event] : []));
  // Of each counter the newest one may have to stay.
  const staying = new Set(multiplied.map(({ node, direction }) => `${node} ${direction}`));
  if (entries.length - nodes.size > KEPT || log.length - staying.size > KEPT) return true;
  const series = new Set([...nodes, ...Object.keys(record.baseline)]);
  return series.size > KEPT && forgottenIn(record, viewOf(record), isForgotten).size > KEPT;
}

/**
 * The series that a record can do without. What they came to counts from the first hour on that the record keeps, as that of whatever
 * has no hour: so those that moved in a later one stay, until these hours are in the history.
 */
function forgottenIn({ hours }: TrafficRecord, view: LedgerView, isForgotten: IsForgotten): ReadonlySet<string> {
  const all = [...newestEpochs(view)].filter(([series, epoch]) => isForgotten(series, epoch));
  if (all.length === 0) return new Set();
  const [, ...later] = Object.keys(hours).toSorted((a, b) => Number(a) - Number(b));
  const moved = new Set(later.flatMap((hour) => Object.keys(hours[hour] ?? {}).map(seriesOfEntry)));
  return new Set(all.map(([series]) => series).filter((series) => !moved.has(series)));
}

function hoursWithout(forgotten: ReadonlySet<string>, { hours }: TrafficRecord): TrafficRecord["hours"] {
  if (forgotten.size === 0) return hours;
  const isKept = ([name]: readonly [string, unknown]) => !forgotten.has(seriesOfEntry(name));
  return Object.fromEntries(
    Object.entries(hours).map(([hour, values]) => [hour, Object.fromEntries(Object.entries(values).filter(isKept))]),
  );
}

function seriesOfEntry(name: string): string {
  return parseEntryId(name).node;
}

/**
 * The same record, written shorter: everything before the newest epoch and generation of each node goes into `folded`, the
 * log into the fields it works on. Store it in place of `record` only if that one's revision has not moved.
 *
 * What it leaves behind is the baseline: a slow collector may write an entry again that lies before it, and readers pass it
 * over. Events prepared on the longer record no longer hold, they are to be prepared again. Of lives that are forgotten it leaves
 * nothing.
 */
export function compact(record: TrafficRecord, isForgotten = noneIsForgotten): TrafficRecord {
  const view = viewOf(record);
  const forgotten = forgottenIn(record, view, isForgotten);
  const baseline: Record<string, NodeBaseline> = {};
  for (const [node, epoch] of newestEpochs(view)) {
    if (!forgotten.has(node)) baseline[node] = foldedBaseline(view, node, epoch);
  }
  return foldTo(record, baseline, forgotten);
}

/**
 * The same record with everything before a baseline in `folded`; it counts what it counted.
 *
 * @param forgotten series of which everything is in `folded` then
 */
export function foldTo(
  record: TrafficRecord,
  baseline: Baseline,
  forgotten: ReadonlySet<string> = new Set(),
): TrafficRecord {
  const view = viewOf(record);
  const kept = view.entries.filter(({ node }) => !forgotten.has(node));
  const before = totalBeyond(view.baseline, view.entries);
  const after = totalBeyond(baseline, kept);
  const counted = totalsOf(view);
  const earlier = eachDirection((direction) => view.lifetime[direction] - counted[direction]);
  const entries = entriesFrom(kept, baseline);
  const version = view.version + 1;
  return {
    ...record,
    revision: record.revision + 1,
    live: valuesOf(entries),
    hours: hoursWithout(forgotten, record),
    log: multipliersOf(entries, baseline, version),
    version,
    folded: eachDirection((direction) => view.folded[direction] + before[direction] - after[direction]),
    baseline,
    answers: view.answers.slice(-KEPT_ANSWERS),
    earlier: { ...earlier, through: view.answers.at(-1)?.job ?? null },
  };
}

/** The beginning of a node's newest generations, or where a reset has put the baseline within them. */
function foldedBaseline(view: LedgerView, node: string, epoch: number): NodeBaseline {
  return { epoch, up: foldedState(view, node, epoch, "up"), down: foldedState(view, node, epoch, "down") };
}

function foldedState(view: LedgerView, node: string, epoch: number, direction: Direction): CounterState {
  const { generation } = counterStateOf(view, node, epoch, direction);
  const own = entriesAt(view, node, epoch, direction);
  const multiplied = own.find((entry) => entry.generation === generation)?.multiplied;
  const run = multiplied?.run ?? generation;
  const present = view.baseline[node];
  const base = present?.epoch === epoch ? present[direction] : { generation: 0, value: 0 };
  // What earlier generations of the run hold has counted.
  const before = own.filter((entry) => entry.generation < generation && entry.generation >= run);
  const values = [multiplied?.from ?? 0, ...before.map(({ value }) => value)];
  return { generation, value: Math.max(...values, base.generation >= run ? base.value : 0) };
}

/** The entries that the baseline does not lie beyond. */
function entriesFrom(entries: readonly EntryValue[], baseline: Baseline): EntryValue[] {
  return entries.filter(({ node, epoch, generation, direction }) => {
    const from = baseline[node];
    if (from === undefined || epoch > from.epoch) return true;
    return epoch === from.epoch && generation >= from[direction].generation;
  });
}

function valuesOf(entries: readonly EntryValue[]): TrafficRecord["live"] {
  const live: Record<string, Partial<Bytes>> = {};
  for (const entry of entries) {
    const name = formatEntryId(entry);
    live[name] = { ...live[name], [entry.direction]: entry.value };
  }
  return live;
}

/**
 * What says how the bytes of entries count, where each does not count as one. Versions that know no multipliers leave a record
 * with these events as it is.
 */
function multipliersOf(entries: readonly EntryValue[], baseline: Baseline, version: number): MultiplierChange[] {
  const changes: MultiplierChange[] = [];
  for (const { multiplied, value: first, ...id } of entries) {
    if (multiplied === undefined || multiplied.multiplier === PLAIN_MULTIPLIER) continue;
    const { multiplier } = multiplied;
    const base = baseline[id.node];
    const isWithin = base?.epoch === id.epoch && base[id.direction].generation >= multiplied.run;
    const from = isWithin ? Math.max(multiplied.from, base[id.direction].value) : multiplied.from;
    changes.push({ kind: "multiplier-change", version: version + changes.length, ...id, from, multiplier, first });
  }
  return changes;
}
