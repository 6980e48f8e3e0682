import type { Dashboard, Panel } from "../dashboards/read-dashboards.ts";
import type { Capture } from "./capture.ts";
import { colorAt, escape } from "./draw-basics.ts";
import { drawLines } from "./draw-lines.ts";
import { drawTimeline } from "./draw-timeline.ts";
import { formatValue } from "./format-value.ts";

const COLUMN = 66;
const ROW = 38;
const GAP = 8;

/** The dashboard as a page, laid out as Grafana lays it out. */
export function drawDashboard({ title, panels }: Dashboard, capture: Capture): string {
  const height = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * ROW;
  const clock = (at: number) => new Date(at * 1_000).toISOString().slice(11, 16);
  return `<!doctype html><meta charset="utf-8"><style>${style}</style>
    <header><b>${escape(title)}</b><span>${clock(capture.from)} – ${clock(capture.to)} UTC</span></header>
    <main style="height:${height}px">${panels.map((panel) => drawPanel(panel, capture)).join("")}</main>`;
}

const style = `
  body { margin: 0; padding: 12px 8px; width: ${24 * COLUMN}px; background: #111217; color: #d8d9da; font: 13px/1.3 "DejaVu Sans", Inter, Arial, sans-serif; }
  header { display: flex; justify-content: space-between; padding: 0 4px 10px; font-size: 16px; }
  header span { color: #9a9ba1; font-size: 13px; }
  main { position: relative; }
  section { position: absolute; box-sizing: border-box; background: #181b1f; border: 1px solid #2c2f36; border-radius: 3px; overflow: hidden; }
  h2 { margin: 0; padding: 7px 10px 0; font-size: 13px; font-weight: 600; height: 20px; white-space: nowrap; }
  .value { text-align: center; font-size: 40px; font-weight: 600; padding-top: 16px; color: #fff; }
  .none { text-align: center; color: #9a9ba1; padding-top: 40px; }
  ul { list-style: none; margin: 8px 10px; padding: 0; }
  li { border-left: 4px solid; padding: 3px 8px; margin-bottom: 6px; background: #22252b; }
  li small { color: #9a9ba1; display: block; }
  svg { display: block; } text { fill: #9a9ba1; font-size: 11px; font-family: inherit; }`;

function drawPanel(panel: Panel, capture: Capture): string {
  const { x, y, w, h } = panel.gridPos;
  const size = { width: w * COLUMN - GAP, height: h * ROW - GAP };
  const place = `left:${x * COLUMN}px;top:${y * ROW}px;width:${size.width}px;height:${size.height}px`;
  const inner = { width: size.width - 2, height: size.height - 30 };
  const lines = capture.panels[panel.id] ?? [];
  if (panel.type === "stat") return drawStat(panel, lines[0]?.points.at(-1)?.[1], place);
  const drawn = {
    timeseries: () => drawLines(panel, lines, capture, inner),
    "state-timeline": () => drawTimeline(lines, capture, inner),
    alertlist: () => drawAlerts(capture.alerts),
    heatmap: () => "",
    bargauge: () => "",
    text: () => "",
  }[panel.type]();
  return `<section style="${place}"><h2>${escape(panel.title)}</h2>${drawn}</section>`;
}

function drawStat({ title, fieldConfig }: Panel, value: number | undefined, place: string): string {
  const { unit = "short", thresholds, decimals } = fieldConfig?.defaults ?? {};
  const color = value === undefined ? "#3a3d45" : colorAt(thresholds?.steps ?? [], value);
  const text = value === undefined ? "no data" : formatValue(value, unit, decimals);
  return `<section style="${place};background:${color}"><h2>${escape(title)}</h2><div class="value">${text}</div></section>`;
}

function drawAlerts(alerts: Capture["alerts"]): string {
  if (alerts.length === 0) return `<div class="none">No alerts</div>`;
  const worstFirst = [...alerts].sort((one, other) => rank(one) - rank(other));
  const items = worstFirst.map(({ name, summary, state, severity }) => {
    const color = state === "pending" ? "#c98a1b" : "#c4314b";
    return `<li style="border-color:${color}">${escape(summary)}<small>${name}, ${severity}, ${state}</small></li>`;
  });
  return `<ul>${items.join("")}</ul>`;
}

function rank({ state, severity }: Capture["alerts"][number]): number {
  return (state === "firing" ? 0 : 2) + (severity === "critical" ? 0 : 1);
}
