import * as fc from "fast-check";
import { DateTime } from "luxon";
import { describe, expect, it, test } from "vitest";
import { type TrafficReset, trafficResets } from "./key-terms.ts";
import { nextResetAfter } from "./reset-calendar.ts";

/** Zones whose clocks change at midnight, forwards and back, by half an hour, over the date line, and never. */
const ZONES = [
  "UTC",
  "Europe/Moscow",
  "Europe/Berlin",
  "America/Havana",
  "America/Sao_Paulo",
  "America/Santiago",
  "Africa/Cairo",
  "Asia/Beirut",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Apia",
] as const;

const at = (iso: string, zone = "UTC") => DateTime.fromISO(iso, { zone }).toSeconds();
const shown = (seconds: number | null, zone = "UTC") =>
  seconds === null ? null : DateTime.fromSeconds(seconds, { zone }).toFormat("yyyy-MM-dd HH:mm");

function resets(reset: TrafficReset, from: string, count: number, { zone = "UTC", anchor = from } = {}) {
  const calendar = { reset, anchor: at(anchor, zone), timeZone: zone };
  const moments: (string | null)[] = [];
  let after: number | null = at(from, zone);
  while (moments.length < count && after !== null) {
    after = nextResetAfter(after, calendar);
    moments.push(shown(after, zone));
  }
  return moments;
}

test.each([
  ["none", [null]],
  ["day", ["2026-01-31 00:00", "2026-02-01 00:00"]],
  ["week", ["2026-02-02 00:00", "2026-02-09 00:00"]],
  ["month", ["2026-02-01 00:00", "2026-03-01 00:00"]],
  ["month_rolling", ["2026-02-28 00:00", "2026-03-30 00:00"]],
] as const)("%s after a Friday afternoon at the end of January", (reset, expected) => {
  expect(resets(reset, "2026-01-30T15:00", expected.length)).toEqual(expected);
});

describe("a rolling month", () => {
  it("is cut to a month that is too short, and shifts no later one", () => {
    expect(resets("month_rolling", "2026-01-31T23:59", 4)).toEqual([
      "2026-02-28 00:00",
      "2026-03-31 00:00",
      "2026-04-30 00:00",
      "2026-05-31 00:00",
    ]);
    expect(resets("month_rolling", "2028-01-31T00:00", 2)).toEqual(["2028-02-29 00:00", "2028-03-31 00:00"]);
    expect(resets("month_rolling", "2025-12-31T00:00", 2)).toEqual(["2026-01-31 00:00", "2026-02-28 00:00"]);
  });

  it("begins a month after its anchor at the earliest, and at once after years of sleep", () => {
    expect(resets("month_rolling", "2026-03-10T00:00", 1, { anchor: "2026-03-10T12:00" })).toEqual([
      "2026-04-10 00:00",
    ]);
    expect(resets("month_rolling", "2031-07-10T00:00", 1, { anchor: "2026-03-10T12:00" })).toEqual([
      "2031-08-10 00:00",
    ]);
    expect(resets("month_rolling", "2031-07-09T23:59", 1, { anchor: "2026-03-10T12:00" })).toEqual([
      "2031-07-10 00:00",
    ]);
  });

  it("has the day of its zone", () => {
    const zone = "Asia/Tokyo";
    const anchor = at("2026-01-30T16:00Z");
    const next = nextResetAfter(anchor, { reset: "month_rolling", anchor, timeZone: zone });
    expect(shown(next, zone)).toBe("2026-02-28 00:00");
    expect(shown(nextResetAfter(next ?? 0, { reset: "month_rolling", anchor, timeZone: zone }), zone)).toBe(
      "2026-03-31 00:00",
    );
  });
});

test.each([
  ["Europe/Berlin", "2026-03-28T12:00", ["2026-03-29 00:00", "2026-03-30 00:00"], 23],
  ["Europe/Berlin", "2026-10-24T12:00", ["2026-10-25 00:00", "2026-10-26 00:00"], 25],
  ["Australia/Lord_Howe", "2026-04-04T12:00", ["2026-04-05 00:00", "2026-04-06 00:00"], 24.5],
  // Midnight itself is skipped.
  ["Africa/Cairo", "2026-04-23T12:00", ["2026-04-24 01:00", "2026-04-25 00:00"], 23],
  ["Asia/Beirut", "2026-03-28T12:00", ["2026-03-29 01:00", "2026-03-30 00:00"], 23],
  // Midnight comes twice.
  ["America/Havana", "2026-10-31T12:00", ["2026-11-01 00:00", "2026-11-02 00:00"], 25],
] as const)("in %s the day of %s is as long as it is", (zone, from, expected, hours) => {
  expect(resets("day", from, 2, { zone })).toEqual(expected);
  const calendar = { reset: "day", anchor: 0, timeZone: zone } as const;
  const first = nextResetAfter(at(from, zone), calendar) ?? 0;
  expect(((nextResetAfter(first, calendar) ?? 0) - first) / 3_600).toBe(hours);
});

it("begins a rolling month at midnight although the day of its anchor had none", () => {
  const zone = "America/Santiago";
  expect(resets("month_rolling", "2030-09-08T01:00", 3, { zone })).toEqual([
    "2030-10-08 00:00",
    "2030-11-08 00:00",
    "2030-12-08 00:00",
  ]);
});

const moment = fc.integer({ min: at("2015-01-01"), max: at("2040-01-01") });
const calendars = fc.record({
  reset: fc.constantFrom(...trafficResets.filter((reset) => reset !== "none")),
  anchor: moment,
  timeZone: fc.constantFrom(...ZONES),
});

test("a day that has two midnights begins with the first one", () => {
  const anchor = at("2022-11-07T00:00", "America/Havana");
  const after = at("2027-10-20T00:00", "America/Havana");
  const next = nextResetAfter(after, { reset: "month_rolling", anchor, timeZone: "America/Havana" });
  expect(next).toBe(Date.parse("2027-11-07T00:00:00-04:00") / 1_000);
});

/** Longer than any of these by the most that a clock change adds. */
const LONGEST_DAYS = { none: 0, day: 2, week: 8, month: 32, month_rolling: 32 } as const;

test("a reset comes after the moment, begins a day, and none lies between", () => {
  fc.assert(
    fc.property(calendars, moment, fc.double({ min: 0, max: 1, noNaN: true }), (calendar, wait, part) => {
      const after = calendar.anchor + (wait % (5 * 366 * 86_400));
      const next = nextResetAfter(after, calendar) ?? 0;
      expect(next).toBeGreaterThan(after);
      const day = DateTime.fromSeconds(next, { zone: calendar.timeZone });
      expect(DateTime.fromSeconds(next - 1, { zone: calendar.timeZone }).toISODate()).not.toBe(day.toISODate());
      const isFirst = after < calendar.anchor + 62 * 86_400;
      if (!isFirst) expect(next - after).toBeLessThanOrEqual(LONGEST_DAYS[calendar.reset] * 86_400);
      const between = after + Math.floor((next - 1 - after) * part);
      expect(nextResetAfter(between, calendar)).toBe(next);
    }),
    { numRuns: 2_000 },
  );
});

test("a rolling month comes once in every month, on its day or the last one", () => {
  fc.assert(
    fc.property(moment, fc.constantFrom(...ZONES), (anchor, timeZone) => {
      const start = DateTime.fromSeconds(anchor, { zone: timeZone });
      let after = anchor;
      for (let months = 1; months <= 15; months += 1) {
        after = nextResetAfter(after, { reset: "month_rolling", anchor, timeZone }) ?? 0;
        const month = start.startOf("month").plus({ months });
        const reset = DateTime.fromSeconds(after, { zone: timeZone });
        expect(reset.toFormat("yyyy-MM-dd")).toBe(
          month.set({ day: Math.min(start.day, month.daysInMonth ?? 0) }).toFormat("yyyy-MM-dd"),
        );
      }
    }),
    { numRuns: 300 },
  );
});
