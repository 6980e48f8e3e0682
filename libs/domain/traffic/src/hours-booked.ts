import { lifetimeOf, viewOf } from "./ledger-view.ts";
import { type Bytes, type Direction, eachDirection, type EntryValue, formatEntryId } from "./model.ts";
import type { HourlyValues, TrafficRecord } from "./traffic-record.ts";

/** What had ever counted by the end of an hour in which bytes were counted. */
export interface BookedHour {
  /** In hours since 1970. */
  readonly hour: number;
  readonly bytes: Bytes;
}

/**
 * The hours that a record still knows, oldest first. What an entry that moved in none of them is worth counts from the first
 * one on, and what was counted without its hour in the last one.
 */
export function hoursBooked(record: TrafficRecord): BookedHour[] {
  const hours = Object.keys(record.hours)
    .map(Number)
    .toSorted((a, b) => a - b);
  if (record.countedAt === 0) return [];
  const { entries, lifetime } = viewOf(record);
  const booked = hours.map((hour) => ({ hour, bytes: lifetimeOf(record, valuesBy(record.hours, entries, hour)) }));
  return [...booked, { hour: Math.max(...hours, Math.floor(record.countedAt / HOUR_SECONDS)), bytes: lifetime }];
}

const HOUR_SECONDS = 3_600;

/** The entries as they stood at the end of an hour. */
export function valuesBy(hours: HourlyValues, entries: readonly EntryValue[], hour: number): EntryValue[] {
  return entries.map((entry) => {
    const name = formatEntryId(entry);
    let isDated = false;
    let value = 0;
    for (const [number, values] of Object.entries(hours)) {
      const reached = values[name]?.[entry.direction];
      if (reached === undefined) continue;
      isDated = true;
      if (Number(number) <= hour) value = Math.max(value, reached);
    }
    return isDated ? { ...entry, value: Math.min(value, entry.value) } : entry;
  });
}

/** The dated ones of the entries as they stood at the end of an hour, by name. */
export function datedBy(
  hours: HourlyValues,
  entries: readonly EntryValue[],
  hour: number,
): Readonly<Record<string, Partial<Bytes>>> {
  const values: Record<string, Partial<Record<Direction, number>>> = {};
  const names = new Set(Object.values(hours).flatMap((moved) => Object.keys(moved)));
  for (const { direction, value, ...id } of valuesBy(hours, entries, hour)) {
    const name = formatEntryId(id);
    if (names.has(name) && value > 0) values[name] = { ...values[name], [direction]: value };
  }
  return values;
}

/** The larger of two figures in each direction. */
export function higher(one: Bytes, other: Bytes): Bytes {
  return eachDirection((direction) => Math.max(one[direction], other[direction]));
}
