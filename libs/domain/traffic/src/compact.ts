import {
  type Baseline,
  type Bytes,
  eachDirection,
  formatEntryId,
  type NodeBaseline,
  type CounterState,
  totalBeyond,
} from "./model.ts";
import { type LedgerView, totalsOf, viewOf } from "./ledger-view.ts";
import { newestEpochs, nodeBaselineAt } from "./reset.ts";
import type { TrafficRecord } from "./traffic-record.ts";

/** A record is worth compacting when it holds more dead entries, or more events, than this. */
const KEPT = 16;

/** How many answers of resets a record remembers, for runs of the same job that come late. */
const KEPT_ANSWERS = 32;

/** Whether a record has grown enough to be worth {@link compact}. */
export function needsCompaction(record: TrafficRecord): boolean {
  const entries = Object.keys(record.live);
  const nodes = new Set(entries.map((name) => name.slice(0, name.indexOf(":"))));
  return entries.length - nodes.size > KEPT || record.log.length > KEPT;
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
  return {
    ...record,
    revision: record.revision + 1,
    live: entriesFrom(view, baseline),
    log: [],
    version: view.version + 1,
    folded: eachDirection((direction) => view.folded[direction] + before[direction] - after[direction]),
    baseline,
    answers: view.answers.slice(-KEPT_ANSWERS),
    earlier: { ...earlier, through: view.answers.at(-1)?.job ?? null },
  };
}

/** The beginning of a node's newest generations, or where a reset has put the baseline within them. */
function foldedBaseline(view: LedgerView, node: string, epoch: number): NodeBaseline {
  const newest = nodeBaselineAt(view, node, epoch);
  const present = view.baseline[node];
  const from = (newestState: CounterState, baseline: CounterState | undefined): CounterState => {
    const within = present?.epoch === epoch && baseline?.generation === newestState.generation;
    return { generation: newestState.generation, value: within ? baseline.value : 0 };
  };
  return { epoch, up: from(newest.up, present?.up), down: from(newest.down, present?.down) };
}

/** The entries that the baseline does not lie beyond. */
function entriesFrom(view: LedgerView, baseline: Baseline): TrafficRecord["live"] {
  const live: Record<string, Partial<Bytes>> = {};
  for (const entry of view.entries) {
    const from = baseline[entry.node];
    const isPast =
      from !== undefined &&
      (entry.epoch < from.epoch || (entry.epoch === from.epoch && entry.generation < from[entry.direction].generation));
    if (isPast) continue;
    const name = formatEntryId(entry);
    live[name] = { ...live[name], [entry.direction]: entry.value };
  }
  return live;
}
