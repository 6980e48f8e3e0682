import type { Language } from "@veil/subscriptions";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"] as const;
/** Traffic is sold in powers of 1,024 under the names of powers of 1,000. */
const STEP = 1_024;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/** An amount of traffic: `12.5 GB`. */
export function bytesText(bytes: number, language: Language): string {
  if (bytes === 0) return "0";
  let amount = bytes;
  let power = 0;
  // An amount that would be shown as 1,024 is one of the next unit.
  while (Math.round(amount * 10) / 10 >= STEP && power < UNITS.length - 1) {
    amount /= STEP;
    power += 1;
  }
  return amountFormat(language, UNITS[power] ?? "byte", amount < 100 ? 1 : 0).format(amount);
}

/** Time that is left: whole days, rounded up, or on the last day whole hours; null below an hour. */
export function durationText(seconds: number, language: Language): string | null {
  if (seconds < HOUR_SECONDS) return null;
  const [unit, amount] =
    seconds > DAY_SECONDS
      ? (["day", Math.ceil(seconds / DAY_SECONDS)] as const)
      : (["hour", Math.floor(seconds / HOUR_SECONDS)] as const);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(amount);
}

/** A day as people write it: `3 December 2026`. */
export function dateText(at: number, language: Language, timeZone: string): string {
  return dayFormat(language, timeZone).format(at * 1_000);
}

/** Made once: making a formatter costs far more than using it, and a page has two hundred figures. */
const amountFormat = kept(
  (language: Language, unit: (typeof UNITS)[number], digits: number) =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits }),
);
const dayFormat = kept(
  (language: Language, timeZone: string) =>
    new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "long", timeZone }),
);

/** The same function, which makes each thing once. For arguments of which there are few. */
function kept<Arguments extends readonly (string | number)[], Made>(
  make: (...given: Arguments) => Made,
): (...given: Arguments) => Made {
  const made = new Map<string, Made>();
  return (...given) => {
    const key = given.join(" ");
    const before = made.get(key);
    if (before !== undefined) return before;
    const now = make(...given);
    made.set(key, now);
    return now;
  };
}
