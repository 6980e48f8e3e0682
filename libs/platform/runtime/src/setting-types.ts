import { z } from "zod";

/** Levels of the log, from the most to the least severe, and none. */
export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A whole number in decimal digits, with a sign when it is negative.
 * @param min Smallest value allowed; default 0.
 * @param max Greatest value allowed; default 2^53 - 1.
 */
export function wholeNumber({ min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}) {
  return z.string().transform((text, context) => {
    const value = Number(text);
    if (/^-?\d{1,16}$/.test(text) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    context.addIssue(`must be a whole number ${range}`);
    return z.NEVER;
  });
}

/**
 * A TCP port, 1–65535.
 * @param anyFree Allows 0, with which the system chooses a free port.
 */
export function port({ anyFree = false }: { anyFree?: boolean } = {}) {
  return wholeNumber({ min: anyFree ? 0 : 1, max: 65_535 }).meta({ example: "8000" });
}

/**
 * A URL or connection string, as the driver takes it; several hosts separated by commas are allowed. It may hold a
 * password, so it counts as a secret.
 * @param protocols Allowed schemes without the colon, for example `["redis", "rediss"]`.
 */
export function url(protocols: readonly string[]) {
  return z
    .string()
    .refine((text) => isUrl(text, protocols), {
      message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}://`).join(" or ")}`,
    })
    .meta({ secret: true, example: `${protocols[0] ?? "https"}://host.example` });
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  const { scheme, authority, rest } =
    /^(?<scheme>[^:]+):\/\/(?<authority>[^/?#]*)(?<rest>.*)$/.exec(text)?.groups ?? {};
  if (scheme === undefined || authority === undefined || !protocols.includes(scheme.toLowerCase())) return false;
  if (/\s/.test(text)) return false;
  const credentialsEnd = authority.lastIndexOf("@") + 1;
  const hosts = authority.slice(credentialsEnd).split(",");
  const credentials = authority.slice(0, credentialsEnd);
  // A URL has one host; connection strings of replica sets and clusters have several, so each is looked at alone. The
  // scheme is no web one, so that an encoded path of a socket passes as a host.
  return hosts.every((host) => host !== "" && URL.canParse(`any://${credentials}${host}${rest}`));
}

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** The longest timer that Node can set, in milliseconds (about 24.8 days). */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * A duration: a whole number of milliseconds, or one with a unit (`500ms`, `10s`, `5m`, `1h`). Gives milliseconds.
 * @param min Shortest duration allowed in milliseconds; default 0.
 * @param max Longest duration allowed in milliseconds; default the longest timer of Node.
 */
export function durationMs({ min = 0, max = LONGEST_TIMER_MS }: { min?: number; max?: number } = {}) {
  return z
    .string()
    .transform((text, context) => {
      const value = parseDuration(text);
      if (value !== undefined && value >= min && value <= max) return value;
      context.addIssue(`must be a duration from ${min} ms to ${max} ms, in milliseconds or with ms, s, m or h`);
      return z.NEVER;
    })
    .meta({ example: "10s" });
}

function parseDuration(text: string): number | undefined {
  const { amount, unit = "ms" } = /^(?<amount>\d{1,10})\s*(?<unit>ms|s|m|h)?$/.exec(text.trim())?.groups ?? {};
  if (amount === undefined) return undefined;
  return Number(amount) * (isUnit(unit) ? MS_PER_UNIT[unit] : Number.NaN);
}

function isUnit(unit: string): unit is keyof typeof MS_PER_UNIT {
  return unit in MS_PER_UNIT;
}

/** A text in JSON, as what it says. @param what it has to be, such as "list" */
export function json(what: string) {
  return z.string().transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue(`must be a JSON ${what}`);
      return z.NEVER;
    }
  });
}

/** A list separated by commas; space around the entries and empty entries are dropped. */
export function commaList(): z.ZodPipe<z.ZodString, z.ZodTransform<string[], string>>;
/** @param item What each entry must be. */
export function commaList<Item>(item: z.ZodType<Item, string>): z.ZodType<Item[], string>;
export function commaList(item?: z.ZodType<unknown, string>) {
  const entries = z.string().transform((text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ""),
  );
  return item === undefined ? entries : entries.pipe(z.array(item));
}

/** {@link commaList}, or `off` for an empty one: a variable that is empty means its default. */
export function commaListOrOff<Item>(item: z.ZodType<Item, string>): z.ZodType<Item[], string> {
  const off = z
    .string()
    .regex(/^off$/i)
    .transform((): Item[] => []);
  return z
    .string()
    .transform((text) => text.trim())
    .pipe(z.union([off, commaList(item)]));
}

const FLAG_WORDS = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["no", false],
  ["off", false],
  ["0", false],
]);

/** A switch: `true`, `yes`, `on` or `1`, and `false`, `no`, `off` or `0`, in any case. */
export function booleanFlag() {
  return z
    .string()
    .transform((text, context) => {
      const value = FLAG_WORDS.get(text.toLowerCase());
      if (value !== undefined) return value;
      context.addIssue("must be true or false");
      return z.NEVER;
    })
    .meta({ example: "true" });
}

/** An IANA time zone, such as `Europe/Berlin` or `UTC`. */
export function timeZone() {
  return z
    .string()
    .refine(isTimeZone, "must be an IANA time zone such as Europe/Berlin or UTC")
    .meta({ example: "UTC" });
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** One of {@link LOG_LEVELS}. */
export function logLevel() {
  return z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`).meta({ example: "info" });
}
