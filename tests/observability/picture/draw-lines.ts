import type { Panel } from "../dashboards/read-dashboards.ts";
import type { Capture, Line } from "./capture.ts";
import { colorNamed, escape, palette, type Size } from "./draw-basics.ts";
import { formatValue } from "./format-value.ts";

const LEFT = 62;
const RIGHT = 10;
const TOP = 8;
const AXIS_HEIGHT = 18;
const LEGEND_ROW = 17;
const TICKS = 4;

/** Lines over time with axes, dashed thresholds and a legend that shows the last values. */
export function drawLines({ fieldConfig }: Panel, lines: readonly Line[], capture: Capture, size: Size): string {
  const { unit = "short", thresholds } = fieldConfig?.defaults ?? {};
  const named = lines.map((line, index) => ({
    ...line,
    color: palette[index % palette.length] ?? "#fff",
    text: `${line.legend}  ${formatValue(line.points.at(-1)?.[1] ?? 0, unit)}`,
  }));
  const entries = placeLegend(named, size.width);
  const legendRows = (entries.at(-1)?.row ?? 0) + 1;
  const height = size.height - TOP - AXIS_HEIGHT - legendRows * LEGEND_ROW - 4;
  const highest = niceCeiling(Math.max(0, ...lines.flatMap(({ points }) => points.map(([, value]) => value))));
  const xOf = (at: number) => LEFT + ((at - capture.from) / (capture.to - capture.from)) * (size.width - LEFT - RIGHT);
  const yOf = (value: number) => TOP + height * (1 - value / highest);

  const grid = Array.from({ length: TICKS + 1 }, (_, index) => {
    const value = (highest * index) / TICKS;
    const y = yOf(value).toFixed(1);
    return `<path d="M${LEFT} ${y}H${size.width - RIGHT}" stroke="#2c2f36"/><text x="${LEFT - 6}" y="${Number(y) + 4}" text-anchor="end">${formatValue(value, unit)}</text>`;
  });
  const times = [0, 1, 2, 3].map((index) => {
    const at = capture.from + ((capture.to - capture.from) * (index + 0.5)) / 4;
    return `<text x="${xOf(at)}" y="${TOP + height + 14}" text-anchor="middle">${new Date(at * 1_000).toISOString().slice(11, 16)}</text>`;
  });
  const limits = (thresholds?.steps ?? [])
    .filter(({ value }) => value !== null && value < highest)
    .map(({ color, value }) => {
      const y = yOf(value ?? 0).toFixed(1);
      return `<path d="M${LEFT} ${y}H${size.width - RIGHT}" stroke="${colorNamed(color)}" stroke-dasharray="5 5"/>`;
    });
  const paths = named.map(({ points, color }) => {
    const isGap = (index: number) => (points[index]?.[0] ?? 0) - (points[index - 1]?.[0] ?? 0) > capture.step * 4;
    const path = points.map(
      ([at, value], index) =>
        `${index === 0 || isGap(index) ? "M" : "L"}${xOf(at).toFixed(1)} ${yOf(value).toFixed(1)}`,
    );
    return `<path d="${path.join("")}" fill="none" stroke="${color}" stroke-width="1.8"/>`;
  });
  const legend = entries.map(({ x, row, text, color }) => {
    const y = TOP + height + AXIS_HEIGHT + row * LEGEND_ROW + 12;
    return `<rect x="${x}" y="${y - 6}" width="14" height="4" fill="${color}"/><text x="${x + 19}" y="${y}">${escape(text)}</text>`;
  });
  return svg(size, [...grid, ...times, ...limits, ...paths, ...legend]);
}

interface Entry {
  readonly text: string;
  readonly color: string;
}

function placeLegend(
  entries: readonly Entry[],
  width: number,
): (Entry & { readonly x: number; readonly row: number })[] {
  let x = 10;
  let row = 0;
  return entries.map(({ text, color }) => {
    const needed = 34 + text.length * 6.9;
    if (x + needed > width && x > 10) {
      x = 10;
      row += 1;
    }
    const placed = { text, color, x, row };
    x += needed;
    return placed;
  });
}

/** The next of 1, 2, 3, 4, 6, 8 times a power of ten, so that four ticks have short names. */
function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 3, 4, 6, 8, 10].find((step) => step * power >= value * 1.02) ?? 20) * power;
}

function svg({ width, height }: Size, parts: readonly string[]): string {
  return `<svg width="${width}" height="${height}">${parts.join("")}</svg>`;
}
