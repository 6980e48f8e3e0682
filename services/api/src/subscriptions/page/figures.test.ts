import { describe, expect, it } from "vitest";
import { bytesText, dateText, durationText } from "./figures.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const plain = (text: string | null) => text?.replaceAll("\u00A0", " ");

describe("bytesText", () => {
  it.each([
    [0, "0"],
    [1_023, "1,023 byte"],
    [1_024, "1 kB"],
    [1_024 ** 3 * 12.54, "12.5 GB"],
    [1_024 ** 3 * 999.9, "1,000 GB"],
    [1_024 ** 4 - 1, "1 TB"],
    [1_024 ** 6, "1,024 PB"],
  ])("writes %d bytes as %s", (bytes, text) => expect(plain(bytesText(bytes, "en"))).toBe(text));

  it("speaks Russian", () => expect(plain(bytesText(1_024 ** 3 * 1.5, "ru"))).toBe("1,5 ГБ"));
});

describe("durationText", () => {
  it.each([
    [HOUR - 1, undefined],
    [HOUR, "1 час"],
    [DAY, "24 часа"],
    [DAY + 1, "2 дня"],
    [21 * DAY, "21 день"],
    [25 * DAY, "25 дней"],
  ])("writes %d seconds as %s", (seconds, text) => expect(plain(durationText(seconds, "ru")) ?? undefined).toBe(text));
});

it("writes the day that it is where people are", () => {
  const at = Date.parse("2026-12-02T22:30:00Z") / 1_000;
  expect(dateText(at, "en", "UTC")).toBe("2 December 2026");
  expect(dateText(at, "en", "Europe/Moscow")).toBe("3 December 2026");
});
