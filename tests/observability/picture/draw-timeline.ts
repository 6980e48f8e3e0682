import type { Capture, Line } from "./capture.ts";
import { colorNamed, escape, type Size } from "./draw-basics.ts";

const NAME_WIDTH = 150;
const AXIS_HEIGHT = 18;

/** A row for each series: green where it is 1, red where it is 0, nothing where it is unknown. */
export function drawTimeline(lines: readonly Line[], capture: Capture, { width, height }: Size): string {
  const rowHeight = (height - AXIS_HEIGHT - 4) / Math.max(1, lines.length);
  const xOf = (at: number) =>
    NAME_WIDTH + ((at - capture.from) / (capture.to - capture.from)) * (width - NAME_WIDTH - 10);
  const rows = lines.map(({ legend, points }, index) => {
    const y = 4 + index * rowHeight;
    const cells = points.slice(0, -1).map(([at, value]) => {
      const until = Math.min(at + capture.step, capture.to);
      const color = colorNamed(value > 0 ? "green" : "red");
      return `<rect x="${xOf(at).toFixed(1)}" y="${y}" width="${(xOf(until) - xOf(at) + 0.6).toFixed(1)}" height="${(rowHeight * 0.8).toFixed(1)}" fill="${color}"/>`;
    });
    return `<text x="${NAME_WIDTH - 8}" y="${y + rowHeight * 0.4 + 4}" text-anchor="end">${escape(legend)}</text>${cells.join("")}`;
  });
  const times = [0, 1, 2, 3].map((index) => {
    const at = capture.from + ((capture.to - capture.from) * (index + 0.5)) / 4;
    return `<text x="${xOf(at)}" y="${height - 6}" text-anchor="middle">${new Date(at * 1_000).toISOString().slice(11, 16)}</text>`;
  });
  return `<svg width="${width}" height="${height}">${[...rows, ...times].join("")}</svg>`;
}
