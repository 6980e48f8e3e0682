import { datedBy, higher, hoursBooked } from "./hours-booked.ts";
import { viewOf } from "./ledger-view.ts";
import { type Bytes, NO_BYTES } from "./model.ts";
import type { TrafficRecord } from "./traffic-record.ts";
import { HOURS_A_DAY, type Milestones, USAGE_HOURS, type UsageHistory } from "./usage.ts";

/** What to write to an entity's history: milestones to raise, and numbers of those that are too old. */
export interface HistoryUpdate {
  readonly entity: string;
  readonly hours: Milestones;
  readonly days: Milestones;
  readonly oldHours: readonly string[];
  readonly oldDays: readonly string[];
}

/** What to write to a record whose past has been stored: values to raise in the last hour that is over, and hours to drop. */
export interface HoursTrim {
  readonly entity: string;
  readonly hour: number;
  readonly values: Readonly<Record<string, Partial<Bytes>>>;
  readonly dropped: readonly string[];
}

/**
 * Whether a record has hours that are worth {@link foldUsage}: every write carries them along.
 *
 * @param hour the running one, in hours since 1970
 */
export function needsFolding(record: TrafficRecord, hour: number): boolean {
  const over = Object.keys(record.hours).filter((number) => Number(number) < hour);
  return over.length > (hasOthers(record) ? 1 : 0);
}

/** Whether an entry may rest while others move, so that what it had come to must stay known. */
function hasOthers({ live }: TrafficRecord): boolean {
  return Object.keys(live).length > 1;
}

/**
 * Moves the hours that are over from a record to the history. Write `history` first and `trim` then; neither needs a
 * condition, and either may be written twice, late or never.
 *
 * @param history what is kept so far; `null` for nothing
 * @param hour the running one, in hours since 1970
 * @param days how many are kept
 * @returns `null` when no hour is over
 */
export function foldUsage(
  record: TrafficRecord,
  history: UsageHistory | null,
  hour: number,
  days: number,
): { readonly history: HistoryUpdate; readonly trim: HoursTrim } | null {
  const { entity } = record;
  const over = hoursBooked(record)
    .slice(0, -1)
    .filter((booked) => booked.hour < hour);
  const [first, last] = [over[0], over.at(-1)];
  if (first === undefined || last === undefined) return null;
  const byHour = new Map<number, Bytes>();
  const byDay = new Map<number, Bytes>();
  if (history === null) {
    byHour.set(first.hour - 1, record.historyFrom ?? NO_BYTES);
    byDay.set(dayOf(first.hour) - 1, record.historyFrom ?? NO_BYTES);
  }
  for (const booked of over) {
    byHour.set(booked.hour, booked.bytes);
    byDay.set(dayOf(booked.hour), higher(byDay.get(dayOf(booked.hour)) ?? NO_BYTES, booked.bytes));
  }
  const { entries } = viewOf(record);
  const isKept = hasOthers(record);
  return {
    history: {
      entity,
      hours: Object.fromEntries(byHour),
      days: Object.fromEntries(byDay),
      oldHours: olderThan(history?.hours ?? {}, last.hour - USAGE_HOURS),
      oldDays: olderThan(history?.days ?? {}, dayOf(last.hour) - days),
    },
    trim: {
      entity,
      hour: last.hour,
      values: isKept ? datedBy(record.hours, entries, last.hour) : {},
      dropped: Object.keys(record.hours).filter((number) => Number(number) < last.hour + (isKept ? 0 : 1)),
    },
  };
}

/** The history once an update is written to it. */
export function applyHistoryUpdate(history: UsageHistory | null, update: HistoryUpdate): UsageHistory {
  return {
    hours: raisedMilestones(history?.hours ?? {}, update.hours, update.oldHours),
    days: raisedMilestones(history?.days ?? {}, update.days, update.oldDays),
  };
}

/** All before the newest one that is old enough: that one is where the others begin. */
function olderThan(milestones: Milestones, limit: number): string[] {
  const old = Object.keys(milestones).filter((number) => Number(number) < limit);
  const newest = Math.max(...old.map(Number));
  return old.filter((number) => Number(number) !== newest);
}

function raisedMilestones(present: Milestones, raise: Milestones, old: readonly string[]): Milestones {
  const after: Record<string, Bytes> = { ...present };
  for (const [number, bytes] of Object.entries(raise)) after[number] = higher(after[number] ?? NO_BYTES, bytes);
  for (const number of old) delete after[number];
  return after;
}

function dayOf(hour: number): number {
  return Math.floor(hour / HOURS_A_DAY);
}
