import { UnreadableRecordError } from "@veil/keys";
import { emptyRecord, type UsageHistory } from "@veil/traffic";
import { expect, it } from "vitest";
import { usageDays } from "./page/usage-chart.ts";
import { recentUsage } from "./recent-usage.ts";

const HOUR = 3_600;
const NOW = Date.parse("2026-11-28T22:30:00Z") / 1_000;
const dayOf = (date: string) => String(Date.parse(date) / 86_400_000);
const hourOf = (date: string) => String(Date.parse(date) / 3_600_000);
const at = (up: number) => ({ up, down: 0 });

const history: UsageHistory = {
  days: {
    [dayOf("2026-11-09")]: at(0),
    [dayOf("2026-11-10")]: at(7),
    [dayOf("2026-11-26")]: at(7),
    [dayOf("2026-11-28")]: at(10),
  },
  hours: {
    [hourOf("2026-11-22T00:00Z")]: at(7),
    [hourOf("2026-11-27T21:00Z")]: at(8),
    [hourOf("2026-11-28T21:00Z")]: at(10),
  },
};

async function daysIn(timeZone: string): Promise<Record<string, number>> {
  const ports = {
    traffic: { find: async () => ({ ...emptyRecord("7"), readAt: NOW - HOUR }) },
    usage: { readUsage: async () => history },
  };
  const days = usageDays(await recentUsage(7, NOW, ports), 30, NOW, timeZone);
  return Object.fromEntries(days.filter(({ upload }) => upload > 0).map(({ date, upload }) => [date, upload]));
}

it("counts every byte once, to the day of the reader's zone", async () => {
  expect(await daysIn("UTC")).toEqual({ "2026-11-10": 7, "2026-11-27": 1, "2026-11-28": 2 });
  expect(await daysIn("Europe/Moscow")).toEqual({ "2026-11-10": 7, "2026-11-28": 1, "2026-11-29": 2 });
  expect(await daysIn("America/New_York")).toEqual({ "2026-11-10": 7, "2026-11-27": 1, "2026-11-28": 2 });
});

it.each(["record", "history"])("shows nothing of a %s that makes no sense, and the page all the same", async (what) => {
  const refuse = () => Promise.reject(new UnreadableRecordError("the document 7 makes no sense"));
  const ports = {
    traffic: { find: what === "record" ? refuse : async () => emptyRecord("7") },
    usage: { readUsage: what === "history" ? refuse : async () => history },
  };
  const usage = await recentUsage(7, NOW, ports);
  expect(usage.filter(({ upload, download }) => upload + download > 0)).toEqual([]);
});
