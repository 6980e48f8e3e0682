import type { Language, UsagePeriod } from "@veil/subscriptions";
import { htmlEscape } from "escape-goat";
import { bytesText, dateText } from "./figures.ts";
import type { PageTexts } from "./page-texts.ts";

const STEP = 1_024;
/** The half of each is as short to read. */
const NICE = [1, 2, 3, 4, 6, 8, 10, 16, 20, 30, 40, 60, 80, 100, 160, 200, 300, 400, 600, 800, 1_000];
/** The drawing's own units: it is stretched to the room that it has. */
const DAY_WIDTH = 10;
const BAR_WIDTH = 7;
const HEIGHT = 100;

/**
 * Bytes by day as bars, download below upload. Labels are no part of the drawing, which is stretched: text would be distorted
 * and too small on a phone.
 */
export function usageChart(days: readonly UsageDay[], texts: PageTexts, language: Language): string {
  const highest = Math.max(...days.map(({ upload, download }) => upload + download));
  if (highest === 0) return htmlEscape`<p class="empty">${texts.noUsage}</p>`;
  const top = niceAbove(highest);
  const total = (part: "upload" | "download") =>
    bytesText(
      days.reduce((sum, day) => sum + day[part], 0),
      language,
    );
  const figures = `${texts.download} ${total("download")}, ${texts.upload} ${total("upload")}`;
  const first = days[0]?.date ?? "";
  const last = days.at(-1)?.date ?? "";
  return `<div class="chart">
<div class="scale" aria-hidden="true">${[top, top / 2, 0].map((bytes) => htmlEscape`<span>${bytesText(bytes, language)}</span>`).join("")}</div>
<svg class="bars" viewBox="0 0 ${days.length * DAY_WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${htmlEscape(`${texts.last30Days}: ${figures}`)}">
<path class="grid" d="M0 .5h${days.length * DAY_WIDTH}M0 50h${days.length * DAY_WIDTH}M0 99.5h${days.length * DAY_WIDTH}"/>
${days.map((day, index) => bar(day, index, top, texts, language)).join("\n")}
</svg>
<div class="days" aria-hidden="true">${[first, last].map((date) => htmlEscape`<span>${dayText(date, language)}</span>`).join("")}</div>
</div>
<p class="legend"><span class="download">${htmlEscape(texts.download)} <b>${htmlEscape(total("download"))}</b></span><span class="upload">${htmlEscape(texts.upload)} <b>${htmlEscape(total("upload"))}</b></span></p>`;
}

function bar(day: UsageDay, index: number, top: number, texts: PageTexts, language: Language): string {
  const x = index * DAY_WIDTH + (DAY_WIDTH - BAR_WIDTH) / 2;
  const down = (day.download / top) * HEIGHT;
  const up = (day.upload / top) * HEIGHT;
  const figures = `${texts.download} ${bytesText(day.download, language)}, ${texts.upload} ${bytesText(day.upload, language)}`;
  return (
    htmlEscape`<g><title>${dayText(day.date, language)}: ${figures}</title>` +
    // All of a day's column shows its figures, not the bar alone.
    `<path class="hover" d="M${index * DAY_WIDTH} 0h${DAY_WIDTH}v${HEIGHT}h-${DAY_WIDTH}z"/>` +
    rectangle("download", x, HEIGHT - down, down) +
    `${rectangle("upload", x, HEIGHT - down - up, up)}</g>`
  );
}

function rectangle(name: string, x: number, y: number, height: number): string {
  if (height === 0) return "";
  return `<rect class="${name}" x="${x}" y="${rounded(y)}" width="${BAR_WIDTH}" height="${rounded(height)}"/>`;
}

function rounded(figure: number): number {
  return Math.round(figure * 100) / 100;
}

/** The next round amount, in the unit in which it is shown. */
function niceAbove(bytes: number): number {
  let unit = 1;
  while (bytes / unit > STEP) unit *= STEP;
  return unit * (NICE.find((amount) => amount >= bytes / unit) ?? STEP);
}

function dayText(date: string, language: Language): string {
  return dateText(Date.parse(date) / 1_000, language, "UTC").replace(/\s*\d{4}.*$/, "");
}

/** A calendar day and what moved in it. */
interface UsageDay {
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
