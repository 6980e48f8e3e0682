import type { UsagePeriod } from "@veil/subscriptions";

/** A calendar day and what moved in it. */
export interface UsageDay {
  /** `2026-11-28` */
  readonly date: string;
  readonly upload: number;
  readonly download: number;
}

const DAY_MS = 24 * 3_600 * 1_000;

/**
 * The last days, today being the last of them, each with what moved in it.
 *
 * @param now unix seconds
 */
export function usageDays(usage: readonly UsagePeriod[], count: number, now: number, timeZone: string): UsageDay[] {
  // This locale writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" });
  const dateOf = (at: number) => format.format(at * 1_000);
  const moved = new Map<string, { upload: number; download: number }>();
  for (const { at, upload, download } of usage) {
    const day = moved.get(dateOf(at)) ?? { upload: 0, download: 0 };
    moved.set(dateOf(at), { upload: day.upload + upload, download: day.download + download });
  }
  // Days of the calendar: some have 23 or 25 hours.
  const today = Date.parse(dateOf(now));
  return Array.from({ length: count }, (_, index) => {
    const date = new Date(today - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10);
    return { date, ...(moved.get(date) ?? { upload: 0, download: 0 }) };
  });
}
