import { expect, it } from "vitest";
import { usageDays } from "./usage-chart.ts";

const at = (time: string) => Date.parse(time) / 1_000;

it("shows each of the last days, also those without traffic", () => {
  const usage = [
    { at: at("2026-11-25T00:00:00Z"), upload: 1, download: 10 },
    { at: at("2026-11-27T00:00:00Z"), upload: 2, download: 20 },
    { at: at("2026-11-28T00:00:00Z"), upload: 3, download: 30 },
  ];
  expect(usageDays(usage, 3, at("2026-11-28T23:59:59Z"), "UTC")).toEqual([
    { date: "2026-11-26", upload: 0, download: 0 },
    { date: "2026-11-27", upload: 2, download: 20 },
    { date: "2026-11-28", upload: 3, download: 30 },
  ]);
});

it("counts the calendar's days, of which two a year are not 24 hours long", () => {
  const usage = [{ at: at("2026-10-24T22:00:00Z"), upload: 1, download: 1 }];
  const days = usageDays(usage, 3, at("2026-10-26T22:30:00Z"), "Europe/Berlin");
  expect(days).toEqual([
    { date: "2026-10-24", upload: 0, download: 0 },
    { date: "2026-10-25", upload: 1, download: 1 },
    { date: "2026-10-26", upload: 0, download: 0 },
  ]);
});

it("adds up what moved in the hours of a day", () => {
  const usage = [1, 2, 3].map((hour) => ({ at: at(`2026-11-28T0${hour}:00:00Z`), upload: 1, download: hour }));
  expect(usageDays(usage, 1, at("2026-11-28T12:00:00Z"), "UTC")).toEqual([
    { date: "2026-11-28", upload: 3, download: 6 },
  ]);
});
