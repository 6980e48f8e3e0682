import { z } from "zod";

/** As JavaScript and Go write them, as Python does, and as PHP does. */
const words = new Map<unknown, boolean>([
  ["true", true],
  ["True", true],
  ["1", true],
  ["false", false],
  ["False", false],
  ["0", false],
]);

/** The flag that a word of a query stands for; the word itself where it is none. */
export function flagOfQuery(text: unknown): unknown {
  return words.get(text) ?? text;
}

/** Yes or no as it stands in a query. */
export function queryFlag(message: string, byDefault: boolean) {
  return z.preprocess(flagOfQuery, z.boolean(message).default(byDefault));
}

export const REFRESH_MESSAGE = "refresh must be true or false";

/** Whether Xray is asked for the newest figures before an answer; it is unless the query says no. */
export const refreshQuerySchema = z.object({
  refresh: queryFlag(REFRESH_MESSAGE, true).meta({
    description: "False for the stored figures, such as for a list of many keys.",
  }),
});

export const QR_MESSAGE = "of must be subscription or link";

const subjects = ["subscription", "link"] as const;

/** The target of a QR code. */
export type QrSubject = (typeof subjects)[number];

/** Selects the target of a QR code. */
export const qrQuerySchema = z.object({
  of: z
    .enum(subjects, QR_MESSAGE)
    .default("subscription")
    .meta({ description: "`subscription` for the key's `subscription_url`, `link` for its share link." }),
});

const LARGEST_PAGE = 1_000;

export const pageMessages = {
  limit: `limit must be a whole number from 1 to ${LARGEST_PAGE}`,
  after: `after must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
} as const;

/** Selects a page of an ascending list; without any of its fields, all. */
export const pageQuerySchema = z.object({
  limit: largest(),
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER, pageMessages.after).optional().meta({
    format: "int64",
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Only entries with a greater `key_id`: the last one of the page before.",
  }),
});

export type PageQuery = z.infer<typeof pageQuerySchema>;

/** Selects a page of a list that ascends by names; without any of its fields, all in the list's own order. */
export function namedPageQuery(key: string, name: z.ZodString) {
  return z.object({
    limit: largest(),
    after: name.optional().meta({
      description: `Only entries with a greater \`${key}\`: the last one of the page before. Pages ascend by it, whatever the order of the whole list.`,
    }),
  });
}

/** Selects a page of a list that ascends by ids which this system makes. @param what the entries are, in one word */
export function idPageQuery(what: string) {
  const message = `after must be the id of a ${what}`;
  return namedPageQuery("id", z.string(message).regex(/^[A-Za-z0-9_-]{1,64}$/, message));
}

function largest() {
  return wholeNumber(1, LARGEST_PAGE, pageMessages.limit)
    .optional()
    .meta({ description: "At most so many entries, such as 100." });
}

/** A number as it stands in a query. */
export function wholeNumber(min: number, max: number, message: string) {
  return z.preprocess(
    (text) => (typeof text === "string" && /^[0-9]{1,16}$/.test(text) ? Number(text) : text),
    z.int(message).min(min, message).max(max, message),
  );
}
