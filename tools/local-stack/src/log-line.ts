import { z } from "zod";
import { parseJson } from "./parse-json.ts";

const WARN = 40;

const logLineSchema = z.object({
  level: z.union([z.number(), z.string()]),
  msg: z.string().default(""),
  err: z.object({ message: z.string() }).optional(),
  warning: z.string().optional(),
});

/** How a service begins to say which settings are wrong; its name stands before the line already. */
const SETTINGS_HEADLINE = /^[a-z-]+: (?=(?:a setting is|\d+ settings are) wrong:$)/;

const SEVERE_LEVELS = new Set(["warn", "error", "fatal"]);

/**
 * The part of a service's line that a terminal shows: the message of a warning or an error, a line that is no JSON as
 * it is, and undefined for anything lesser. The name of the service is not part of it.
 */
export function readLogLine(line: string): string | undefined {
  if (!line.startsWith("{")) return line.trim() === "" ? undefined : line.replace(SETTINGS_HEADLINE, "");
  const parsed = logLineSchema.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { level, msg, err, warning } = parsed.data;
  const isSevere = typeof level === "number" ? level >= WARN : SEVERE_LEVELS.has(level.toLowerCase());
  if (!isSevere) return undefined;
  return [msg, warning, err?.message].filter((part) => part !== undefined && part !== "").join(": ");
}
