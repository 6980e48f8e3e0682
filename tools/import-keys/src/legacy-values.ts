import { z } from "zod";

/** SQLite keeps what it is given, whatever the column's type says: numbers may stand there as text. */
const numeric = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)], "is no number");

export const keyId = numeric.pipe(z.int("is no key id").min(1, "is no key id"));
export const bytes = numeric.pipe(z.int("is no number of bytes").min(0, "is no number of bytes"));
/** A UUID in lower case with dashes, as far as it is one: Xray takes it in upper case and without them, too. */
export const uuidText = z.string().transform((text) => {
  const [, ...groups] = /^(.{8})-?(.{4})-?(.{4})-?(.{4})-?(.{12})$/.exec(text.trim().toLowerCase()) ?? [];
  return groups.length === 0 ? text : groups.join("-");
});

export const flag = numeric.transform((value) => value !== 0);

/** From here on a number counts milliseconds: as seconds it would lie in the year 5138. */
const SURELY_MILLISECONDS = 100_000_000_000;

/** A moment as Unix seconds, Unix milliseconds or a date in UTC such as `2024-01-31 12:00:00`. Becomes Unix seconds. */
export const moment = z.union(
  [
    numeric.transform((value) => Math.floor(value >= SURELY_MILLISECONDS ? value / 1000 : value)),
    z
      .string()
      .regex(/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/)
      .transform((text) => Math.floor(Date.parse(withZone(text)) / 1000))
      .pipe(z.int()),
  ],
  "is no date",
);

function withZone(text: string): string {
  const iso = text.replace(" ", "T");
  return /T.*(Z|[+-]\d\d:\d\d)$/.test(iso) || !iso.includes("T") ? iso : `${iso}Z`;
}
