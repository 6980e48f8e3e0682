import {
  type Bytes,
  type Direction,
  DIRECTIONS,
  eachDirection,
  type EntryId,
  type EntryValue,
  type Baseline,
  formatEntryId,
  NO_BYTES,
  parseEntryId,
  type CounterState,
  totalBeyond,
} from "./model.ts";
import { type Begun, generationsBegun, growthName } from "./generations.ts";
import { PLAIN_MULTIPLIER } from "./multiplied.ts";
import type { GenerationStart, ResetAnswer, TrafficRecord } from "./traffic-record.ts";

/** What a record means once the events that hold are worked in. */
export interface LedgerView {
  /** What the next event has to be prepared on. */
  readonly version: number;
  /** Every entry that a record still knows, with what it is worth. */
  readonly entries: readonly EntryValue[];
  /** Only what lies after this counts, beside `folded`. */
  readonly baseline: Baseline;
  readonly folded: Bytes;
  /** All bytes that ever counted. No reset lowers it. */
  readonly lifetime: Bytes;
  /** The answers of the resets that hold, oldest first. */
  readonly answers: readonly ResetAnswer[];
}

/** Works out what a record means. The same record means the same to everybody. */
export function viewOf(record: TrafficRecord): LedgerView {
  let { version, baseline, folded } = record;
  const answers = [...record.answers];
  const starts: GenerationStart[] = [];
  for (const event of record.log) {
    if (event.version !== version) continue;
    if (event.kind === "reset" && hasAnswer(answers, event.job)) continue;
    version += 1;
    if (event.kind !== "reset") {
      starts.push(event);
      continue;
    }
    answers.push({ job: event.job, at: event.at, previous: event.previous });
    baseline = event.baseline;
    folded = NO_BYTES;
  }
  const entries = entriesOf(record, generationsBegun(starts, record.baseline));
  return { version, entries, baseline, folded, lifetime: lifetimeOf(record, entries), answers };
}

/**
 * All bytes that ever counted, by the values given: what lies beyond the stored baseline, however events of the log move it,
 * and what counted before that.
 */
export function lifetimeOf(record: TrafficRecord, entries: readonly EntryValue[]): Bytes {
  const { answers, earlier, folded } = record;
  const unknown = answers.slice(answers.findLastIndex(({ job }) => job === earlier.through) + 1);
  const beyond = totalBeyond(record.baseline, entries);
  return eachDirection((direction) =>
    unknown.reduce(
      (sum, { previous }) => sum + previous[direction],
      earlier[direction] + folded[direction] + beyond[direction],
    ),
  );
}

/** The bytes that count: everything since the last reset. */
export function totals(record: TrafficRecord): Bytes {
  return totalsOf(viewOf(record));
}

/** {@link totals} of a record whose meaning is worked out already. */
export function totalsOf(view: LedgerView): Bytes {
  const beyond = totalBeyond(view.baseline, view.entries);
  return eachDirection((direction) => view.folded[direction] + beyond[direction]);
}

/**
 * The state of a node's counter in an epoch: the newest generation, and the largest value seen in its run. What lies in
 * runs before that of the baseline is not looked at.
 */
export function counterStateOf(view: LedgerView, node: string, epoch: number, direction: Direction): CounterState {
  const { generation, value } = counterOf(view, node, epoch, direction);
  return { generation, value };
}

/** A counter's state, and what its bytes count as. */
export interface CountedState extends CounterState {
  /** Null where another generation of the run holds the value: so that its bytes go on counting as they do, a new one has to begin. */
  readonly multiplier: number | null;
}

/** {@link counterStateOf}, and what bytes beyond it count as. */
export function counterOf(view: LedgerView, node: string, epoch: number, direction: Direction): CountedState {
  const baseline = view.baseline[node];
  const base: CounterState = baseline?.epoch === epoch ? baseline[direction] : { generation: 0, value: 0 };
  const entries = entriesAt(view, node, epoch, direction);
  let newest: Pick<EntryValue, "generation" | "value" | "multiplied"> = base;
  for (const entry of entries) if (entry.generation >= newest.generation) newest = entry;
  const { generation, multiplied } = newest;
  const run = multiplied?.run ?? generation;
  const own = Math.max(newest.value, base.generation >= run ? base.value : 0);
  let value = own;
  for (const entry of entries) if (entry.generation >= run && entry.value > value) value = entry.value;
  return { generation, value, multiplier: value > own ? null : (multiplied?.multiplier ?? PLAIN_MULTIPLIER) };
}

/** What a record knows of a node's counter in an epoch. */
export function entriesAt({ entries }: LedgerView, node: string, epoch: number, direction: Direction): EntryValue[] {
  return entries.filter((entry) => entry.node === node && entry.epoch === epoch && entry.direction === direction);
}

function hasAnswer(answers: readonly ResetAnswer[], job: string): boolean {
  return answers.some((answer) => answer.job === job);
}

/** The largest values seen, where events have begun and closed generations, corrected by them. */
function entriesOf(record: TrafficRecord, { starts, multiplied: ways }: Begun): EntryValue[] {
  const entries = new Map<string, EntryValue>();
  const put = (id: EntryId, direction: Direction, reached: number): void => {
    const { node, epoch, generation } = id;
    const name = growthName(id, direction);
    const multiplied = ways.get(name);
    const entry = { node, epoch, generation, direction, value: reached };
    if (multiplied === undefined) entries.set(name, entry);
    else entries.set(name, { ...entry, value: Math.min(reached, multiplied.to ?? reached), multiplied });
  };
  for (const [name, bytes] of Object.entries(record.live)) {
    const id = parseEntryId(name);
    if (isHistory(record.baseline, id)) continue;
    for (const direction of DIRECTIONS) {
      const value = bytes[direction];
      if (value !== undefined) put(id, direction, value);
    }
  }
  for (const start of starts) {
    const before = { ...start, generation: start.generation - 1 };
    // One that is multiplied has its end in that, as those beside it do.
    const isClosed = start.kind === "counter-reset" && !ways.has(growthName(before, start.direction));
    if (isClosed) put(before, start.direction, start.closedAt);
    const raised = record.live[formatEntryId(start)]?.[start.direction] ?? 0;
    put(start, start.direction, Math.max(start.first, raised));
  }
  return [...entries.values()];
}

/** Whether an entry lies before the baseline in both directions; in one only, `bytesBeyond` sees to it. */
function isHistory(baseline: Baseline, id: EntryId): boolean {
  const nodeBaseline = baseline[id.node];
  if (nodeBaseline === undefined || id.epoch > nodeBaseline.epoch) return false;
  if (id.epoch < nodeBaseline.epoch) return true;
  return DIRECTIONS.every((direction) => id.generation < nodeBaseline[direction].generation);
}
