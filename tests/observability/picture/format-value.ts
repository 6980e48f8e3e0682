/** A value in one of Grafana's units, short enough for an axis. */
export function formatValue(value: number, unit: string, decimals?: number): string {
  if (unit === "percentunit") return `${fixed(value * 100, decimals ?? 0)}%`;
  if (unit === "s") return seconds(value, decimals);
  if (unit === "Bps") return `${scaled(value, 1_000, ["", " k", " M", " G"])}B/s`.replace(/(\d)B/, "$1 B");
  if (unit === "ops") return `${scaled(value, 1_000, ["", " k", " M"])} /s`;
  if (unit === "reqps") return `${scaled(value, 1_000, ["", " k", " M"])} /s`;
  return decimals === undefined ? scaled(value, 1_000, ["", " k", " M", " G"]) : fixed(value, decimals);
}

function seconds(value: number, decimals?: number): string {
  if (value === 0) return "0 s";
  if (value < 1) return `${Number((value * 1_000).toPrecision(2))} ms`;
  return value < 120 ? `${fixed(value, decimals ?? 1)} s` : `${fixed(value / 60, 1)} min`;
}

function scaled(value: number, by: number, suffixes: readonly string[]): string {
  let rest = value;
  let index = 0;
  while (Math.abs(rest) >= by && index < suffixes.length - 1) {
    rest /= by;
    index += 1;
  }
  return `${Number(rest.toPrecision(3))}${suffixes[index]}`;
}

function fixed(value: number, decimals: number): string {
  return value.toFixed(decimals).replace(/\.0+$/, "");
}
