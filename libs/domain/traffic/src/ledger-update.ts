import { counterStateOf, viewOf } from "./ledger-view.ts";
import { type Bytes, eachDirection, formatEntryId } from "./model.ts";
import type { Observation } from "./observe.ts";
import { emptyRecord, type GenerationStart, type LedgerEvent, type TrafficRecord } from "./traffic-record.ts";

/** One write to one record: values to raise, events to append. It needs no condition, and what it raises may be raised twice. */
export interface LedgerUpdate {
  readonly entity: string;
  /** When the counters were read. Unix seconds. */
  readonly readAt: number;
  readonly raise: Readonly<Record<string, Partial<Bytes>>>;
  readonly append: readonly LedgerEvent[];
  /** Whether these are the first bytes that are counted. */
  readonly isFirst?: boolean;
  /** Where the history of hours begins, when this is what begins it. */
  readonly historyFrom?: Bytes;
}

/** The values that an update makes an hour come to. */
export interface HourValues {
  /** In hours since 1970. */
  readonly hour: number;
  readonly values: Readonly<Record<string, Partial<Bytes>>>;
}

/** What an update counts, and in which hour; `null` when it counts nothing. */
export function hourValuesOf({ readAt, raise, append }: LedgerUpdate): HourValues | null {
  const begun = append.filter((event) => event.kind !== "reset");
  if (Object.keys(raise).length + begun.length === 0) return null;
  const values: Record<string, Partial<Bytes>> = { ...raise };
  for (const start of begun) {
    const name = formatEntryId(start);
    values[name] = { ...values[name], [start.direction]: start.first };
  }
  return { hour: Math.floor(readAt / HOUR_SECONDS), values };
}

const HOUR_SECONDS = 3_600;

/**
 * Whether what an update counts is in a record that was read once it was written. It is not where the update begins a generation
 * and another one was first: read the counters again then.
 */
export function holdsAll(record: TrafficRecord, { append }: Pick<LedgerUpdate, "append">): boolean {
  if (append.length === 0) return true;
  const view = viewOf(record);
  return append.every((start) => {
    if (start.kind === "reset") return true;
    const { generation, value } = counterStateOf(view, start.node, start.epoch, start.direction);
    return generation >= start.generation && (generation > start.generation || value >= start.first);
  });
}

/**
 * The write that stores what one or several nodes' readings changed in an entity. When nothing has changed (`null`), it
 * stores the moment of the reading.
 */
export function updateOf(entity: string, observations: readonly (Observation | null)[], readAt: number): LedgerUpdate {
  const raise: Record<string, Partial<Bytes>> = {};
  const begun: GenerationStart[] = [];
  for (const observation of observations) {
    if (observation === null) continue;
    Object.assign(raise, observation.raise);
    begun.push(...observation.begun);
  }
  // Prepared on the same version one by one; appended together they have to follow each other.
  const version = Math.min(...begun.map((start) => start.version));
  const append = begun.map((start, index) => ({ ...start, version: version + index }));
  const isFirst = observations.some((observation) => observation?.isFirst === true);
  const historyFrom = observations.find((observation) => observation?.historyFrom !== undefined)?.historyFrom;
  return { entity, readAt, raise, append, ...(isFirst && { isFirst }), ...(historyFrom && { historyFrom }) };
}

/**
 * What a store does with an update: `$max` on every raised value, also in the hour of the reading, and on `readAt` and
 * `countedAt`; `$min` on when and where counting began; `$push` of every event; revision + 1.
 */
export function applyUpdate(record: TrafficRecord | null, update: LedgerUpdate): TrafficRecord {
  const before = record ?? emptyRecord(update.entity);
  const { readAt, raise, append, isFirst = false, historyFrom } = update;
  const counted = hourValuesOf(update);
  return {
    ...before,
    revision: before.revision + 1,
    readAt: Math.max(before.readAt, readAt),
    live: raisedBy(before.live, raise),
    log: [...before.log, ...append],
    ...(counted !== null && {
      countedAt: Math.max(before.countedAt, readAt),
      hours: { ...before.hours, [counted.hour]: raisedBy(before.hours[counted.hour] ?? {}, counted.values) },
    }),
    ...(isFirst && {
      firstCountedAt: before.firstCountedAt === 0 ? readAt : Math.min(before.firstCountedAt, readAt),
    }),
    ...(historyFrom && { historyFrom: lower(before.historyFrom ?? historyFrom, historyFrom) }),
  };
}

function raisedBy(
  values: Readonly<Record<string, Partial<Bytes>>>,
  raise: LedgerUpdate["raise"],
): Record<string, Partial<Bytes>> {
  const after = { ...values };
  for (const [name, bytes] of Object.entries(raise)) after[name] = raised(after[name], bytes);
  return after;
}

function lower(one: Bytes, other: Bytes): Bytes {
  return eachDirection((direction) => Math.min(one[direction], other[direction]));
}

function raised(present: Partial<Bytes> = {}, bytes: Partial<Bytes>): Partial<Bytes> {
  const after: { up?: number; down?: number } = { ...present };
  if (bytes.up !== undefined) after.up = Math.max(present.up ?? bytes.up, bytes.up);
  if (bytes.down !== undefined) after.down = Math.max(present.down ?? bytes.down, bytes.down);
  return after;
}
