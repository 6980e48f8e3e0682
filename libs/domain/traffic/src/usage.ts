import { higher, hoursBooked } from "./hours-booked.ts";
import { type Bytes, eachDirection, NO_BYTES } from "./model.ts";
import type { TrafficRecord } from "./traffic-record.ts";

/** Bytes that had ever counted by the end of an hour or a day, by its number since 1970. */
export type Milestones = Readonly<Record<string, Bytes>>;

/**
 * What is kept of an entity's past beside its record. The oldest figure is where the others begin. All are only ever raised, so they may be written in any order
 * and any number of times; what was counted in an hour is the difference to the one before, and so no byte is in two of them.
 */
export interface UsageHistory {
  readonly hours: Milestones;
  readonly days: Milestones;
}

export type UsageStep = "hour" | "day";

/** What was counted in one hour or day. */
export interface Usage extends Bytes {
  /** When it began. Unix seconds. */
  readonly at: number;
}

/** How many hours are kept. */
export const USAGE_HOURS = 168;
export const HOURS_A_DAY = 24;
const STEP_SECONDS = { hour: 3_600, day: 86_400 } as const satisfies Record<UsageStep, number>;

/**
 * What was counted in each hour or day (UTC) from the one that holds `from` to the one before `to`, oldest first, also where it
 * was nothing. What was never put into an hour (1.0 counted it) is in none.
 *
 * @param record the entity's record, and `history` what the usage store has of it; `null` for nothing
 * @param range unix seconds
 */
export function usageOf(
  record: TrafficRecord | null,
  history: UsageHistory | null,
  { from, to, step }: { readonly from: number; readonly to: number; readonly step: UsageStep },
): Usage[] {
  const seconds = STEP_SECONDS[step];
  const counted = countedIn(record, history, step);
  const usage: Usage[] = [];
  for (let number = Math.floor(from / seconds); number * seconds < to; number += 1) {
    usage.push({ at: number * seconds, ...(counted.get(number) ?? NO_BYTES) });
  }
  return usage;
}

/** The sum of several entities' usage over the same range and step. */
export function sumUsage(usages: readonly (readonly Usage[])[]): Usage[] {
  const [first = []] = usages;
  return first.map(({ at }, index) => ({
    at,
    ...eachDirection((direction) => usages.reduce((sum, usage) => sum + (usage[index]?.[direction] ?? 0), 0)),
  }));
}

function countedIn(record: TrafficRecord | null, history: UsageHistory | null, step: UsageStep): Map<number, Bytes> {
  const kept = Object.entries((step === "hour" ? history?.hours : history?.days) ?? {});
  const milestones = new Map(kept.map(([number, bytes]) => [Number(number), bytes]));
  for (const { hour, bytes } of record === null ? [] : hoursBooked(record)) {
    const number = step === "hour" ? hour : Math.floor(hour / HOURS_A_DAY);
    milestones.set(number, higher(milestones.get(number) ?? NO_BYTES, bytes));
  }
  const counted = new Map<number, Bytes>();
  // The oldest one that is kept beside the record is where the others begin.
  let before = kept.length > 0 ? null : (record?.historyFrom ?? NO_BYTES);
  for (const [number, bytes] of [...milestones].toSorted(([a], [b]) => a - b)) {
    const from: Bytes = before ?? bytes;
    const after = higher(from, bytes);
    counted.set(
      number,
      eachDirection((direction) => after[direction] - from[direction]),
    );
    before = after;
  }
  return counted;
}
