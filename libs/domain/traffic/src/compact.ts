import {
  type Baseline,
  type Bytes,
  type CounterState,
  type Direction,
  eachDirection,
  type EntryValue,
  formatEntryId,
  type NodeBaseline,
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

/** Whether a record has grown enough to be worth {@link compact}. */
export function needsCompaction({ live, log }: TrafficRecord): boolean {
  const entries = Object.keys(live);
  const nodes = new Set(entries.map((name) => name.slice(0, name.indexOf(":"))));
  const multiplied = log.flatMap((event) => (event.kind === "multiplier-change" ? [event] : []));
  // Of each counter the newest one may have to stay.
  const staying = new Set(multiplied.map(({ node, direction }) => `${node} ${direction}`));
  return entries.length - nodes.size > KEPT || log.length - staying.size > KEPT;
}

/**
 * The same record, written shorter: everything before the newest epoch and generation of each node goes into `folded`, the
 * log into the fields it works on. Store it in place of `record` only if that one's revision has not moved.
 *
 * What it leaves behind is the baseline: a slow collector may write an entry again that lies before it, and readers pass it
 * over. Events prepared on the longer record no longer hold, they are to be prepared again.
 */
export function compact(record: TrafficRecord): TrafficRecord {
  const view = viewOf(record);
  const baseline: Record<string, NodeBaseline> = {};
  for (const [node, epoch] of newestEpochs(view)) baseline[node] = foldedBaseline(view, node, epoch);
  return foldTo(record, baseline);
}

/** The same record with everything before a baseline in `folded`; it counts what it counted. */
export function foldTo(record: TrafficRecord, baseline: Baseline): TrafficRecord {
  const view = viewOf(record);
  const before = totalBeyond(view.baseline, view.entries);
  const after = totalBeyond(baseline, view.entries);
  const counted = totalsOf(view);
  const earlier = eachDirection((direction) => view.lifetime[direction] - counted[direction]);
  const entries = entriesFrom(view, baseline);
  const version = view.version + 1;
  return {
    ...record,
    revision: record.revision + 1,
    live: valuesOf(entries),
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
function entriesFrom(view: LedgerView, baseline: Baseline): EntryValue[] {
  return view.entries.filter(({ node, epoch, generation, direction }) => {
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
