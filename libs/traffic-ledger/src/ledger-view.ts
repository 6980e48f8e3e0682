import { type Bytes, type Direction, DIRECTIONS, eachDirection, NO_BYTES } from "./bytes.ts";
import { type EntryId, formatEntryId, parseEntryId } from "./entry-id.ts";
import { type EntryValue, type Floor, type Standing, totalBeyond } from "./floor.ts";
import type { Fall, ResetAnswer, TrafficRecord } from "./traffic-record.ts";

/** What a record means once the events that hold are worked in. */
export interface LedgerView {
  /** What the next event has to be prepared on. */
  readonly version: number;
  /** Every entry that a record still knows, with what it is worth. */
  readonly entries: readonly EntryValue[];
  /** Only what lies after this counts, beside `settled`. */
  readonly floor: Floor;
  readonly settled: Bytes;
  /** The answers of the resets that hold, oldest first. */
  readonly answers: readonly ResetAnswer[];
}

/** Works out what a record means. The same record means the same to everybody. */
export function viewOf(record: TrafficRecord): LedgerView {
  let { version, floor, settled } = record;
  const answers = [...record.answers];
  const falls: Fall[] = [];
  for (const event of record.log) {
    if (event.version !== version) continue;
    if (event.kind === "reset" && hasAnswer(answers, event.job)) continue;
    version += 1;
    if (event.kind === "fall") {
      falls.push(event);
      continue;
    }
    answers.push({ job: event.job, at: event.at, previous: event.previous });
    floor = event.floor;
    settled = NO_BYTES;
  }
  return { version, entries: entriesOf(record, falls), floor, settled, answers };
}

/** The bytes that count: everything since the last reset. */
export function totals(record: TrafficRecord): Bytes {
  return totalsOf(viewOf(record));
}

/** {@link totals} of a record whose meaning is worked out already. */
export function totalsOf(view: LedgerView): Bytes {
  const beyond = totalBeyond(view.floor, view.entries);
  return eachDirection((direction) => view.settled[direction] + beyond[direction]);
}

/** Where a node's counter stands in an epoch: the newest generation, and the largest value seen in it. */
export function standingOf(view: LedgerView, node: string, epoch: number, direction: Direction): Standing {
  const floor = view.floor[node];
  let newest: Standing = floor?.epoch === epoch ? floor[direction] : { generation: 0, value: 0 };
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

/** The largest values seen, where falls have begun and closed generations corrected by them. */
function entriesOf(record: TrafficRecord, falls: readonly Fall[]): EntryValue[] {
  const entries = new Map<string, EntryValue>();
  const put = (id: EntryId, direction: Direction, value: number): void => {
    const { node, epoch, generation } = id;
    entries.set(`${formatEntryId(id)} ${direction}`, { node, epoch, generation, direction, value });
  };
  for (const [name, bytes] of Object.entries(record.live)) {
    const id = parseEntryId(name);
    if (isHistory(record.floor, id)) continue;
    for (const direction of DIRECTIONS) {
      const value = bytes[direction];
      if (value !== undefined) put(id, direction, value);
    }
  }
  for (const fall of falls) {
    put({ ...fall, generation: fall.generation - 1 }, fall.direction, fall.closed_at);
    const raised = record.live[formatEntryId(fall)]?.[fall.direction] ?? 0;
    put(fall, fall.direction, Math.max(fall.first, raised));
  }
  return [...entries.values()];
}

/** Whether an entry lies before the floor in both directions; in one only, `bytesBeyond` sees to it. */
function isHistory(floor: Floor, id: EntryId): boolean {
  const nodeFloor = floor[id.node];
  if (nodeFloor === undefined || id.epoch > nodeFloor.epoch) return false;
  if (id.epoch < nodeFloor.epoch) return true;
  return DIRECTIONS.every((direction) => id.generation < nodeFloor[direction].generation);
}
