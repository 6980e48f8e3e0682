import { DateTime } from "luxon";
import type { TrafficReset } from "./key-terms.ts";

/** The facts that decide when a key is reset. */
export interface ResetCalendar {
  readonly reset: TrafficReset;
  /** Unix seconds; its day is that of a rolling month. */
  readonly anchor: number;
  /** The IANA time zone in whose midnight resets fall. */
  readonly timeZone: string;
}

/**
 * The first moment after a given one at which a key's traffic is to be reset, in unix seconds; null for never.
 *
 * Always computed from the anchor, so that a month that is too short for its day shifts no later one.
 *
 * @param after unix seconds
 */
export function nextResetAfter(after: number, { reset, anchor, timeZone }: ResetCalendar): number | null {
  const moment = DateTime.fromSeconds(after, { zone: timeZone });
  switch (reset) {
    case "none":
      return null;
    case "day":
      return secondsOf(moment.startOf("day").plus({ days: 1 }));
    case "week":
      return secondsOf(moment.startOf("week").plus({ weeks: 1 }));
    case "month":
      return secondsOf(moment.startOf("month").plus({ months: 1 }));
    case "month_rolling":
      return nextRollingMonth(moment, DateTime.fromSeconds(anchor, { zone: timeZone }));
  }
}

function nextRollingMonth(after: DateTime, anchor: DateTime): number {
  const first = anchor.startOf("day");
  // Of an anchor whose day begins at one o'clock, the days that follow begin at midnight all the same.
  const begin = (month: number) => beginOf(first.plus({ months: month }));
  let months = Math.max(1, (after.year - first.year) * 12 + after.month - first.month);
  while (begin(months) <= after) months += 1;
  return secondsOf(begin(months));
}

function secondsOf(day: DateTime): number {
  return Math.floor(beginOf(day).toSeconds());
}

/** The first moment of a day, also where a clock change skips midnight, or has it twice as in Havana. */
function beginOf(day: DateTime): DateTime {
  const midnight = day.startOf("day");
  const before = midnight.minus({ seconds: 1 });
  return before.toISODate() === midnight.toISODate() ? before.startOf("day") : midnight;
}
