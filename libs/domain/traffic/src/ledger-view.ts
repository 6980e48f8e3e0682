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
import type { CounterReset, ResetAnswer, TrafficRecord } from "./traffic-record.ts";

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
  const counterResets: CounterReset[] = [];
  for (const event of record.log) {
    if (event.version !== version) continue;
    if (event.kind === "reset" && hasAnswer(answers, event.job)) continue;
    version += 1;
    if (event.kind === "counter-reset") {
      counterResets.push(event);
      continue;
    }
    answers.push({ job: event.job, at: event.at, previous: event.previous });
    baseline = event.baseline;
    folded = NO_BYTES;
  }
  const entries = entriesOf(record, counterResets);
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

/** The state of a node's counter in an epoch: the newest generation, and the largest value seen in it. */
export function counterStateOf(view: LedgerView, node: string, epoch: number, direction: Direction): CounterState {
  const baseline = view.baseline[node];
  let newest: CounterState = baseline?.epoch === epoch ? baseline[direction] : { generation: 0, value: 0 };
  for (const entry of view.entries) {
    if (entry.node !== node || entry.epoch !== epoch || entry.direction !== direction) continue;
    if (entry.generation < newest.generation) continue;
    if (entry.generation > newest.generation || entry.value > newest.value) newest = entry;
  }
  return { generation: newest.generation, value: newest.value };
}

function hasAnswer(answers: readonly ResetAnswer[], job: string): boolean {
  return answers.some((answer) => answer.job === job);
}

/** The largest values seen, where counter resets have begun and closed generations, corrected by them. */
function entriesOf(record: TrafficRecord, counterResets: readonly CounterReset[]): EntryValue[] {
  const entries = new Map<string, EntryValue>();
  const put = (id: EntryId, direction: Direction, value: number): void => {
    const { node, epoch, generation } = id;
    entries.set(`${formatEntryId(id)} ${direction}`, { node, epoch, generation, direction, value });
  };
  for (const [name, bytes] of Object.entries(record.live)) {
    const id = parseEntryId(name);
    if (isHistory(record.baseline, id)) continue;
    for (const direction of DIRECTIONS) {
      const value = bytes[direction];
      if (value !== undefined) put(id, direction, value);
    }
  }
  for (const reset of counterResets) {
    put({ ...reset, generation: reset.generation - 1 }, reset.direction, reset.closedAt);
    const raised = record.live[formatEntryId(reset)]?.[reset.direction] ?? 0;
    put(reset, reset.direction, Math.max(reset.first, raised));
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
