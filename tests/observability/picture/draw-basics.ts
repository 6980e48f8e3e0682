const colors: Readonly<Record<string, string>> = {
  green: "#2f8f4e",
  orange: "#c98a1b",
  red: "#c4314b",
  blue: "#3f72c9",
};

/** Colors of lines, in the order of a legend. */
export const palette = ["#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#37bbb4", "#e0a5c8"];

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Step {
  readonly color: string;
  readonly value: number | null;
}

export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** The color of the last threshold that a value reaches. */
export function colorAt(steps: readonly Step[], value: number): string {
  const reached = steps.findLast((step) => step.value === null || value >= step.value);
  return colors[reached?.color ?? ""] ?? "#3a3d45";
}

export function colorNamed(name: string): string {
  return colors[name] ?? name;
}
