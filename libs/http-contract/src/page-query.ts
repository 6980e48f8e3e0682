import { z } from "./zod.ts";

const largestPage = 1_000;

export const pageMessages = {
  limit: `limit must be a whole number from 1 to ${largestPage}`,
  after: `after must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
} as const;

/** Which part of an ascending list is asked for; without any of it, all. */
export const pageQuerySchema = z.object({
  limit: wholeNumber(1, largestPage, pageMessages.limit)
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: largestPage,
      description: "At most so many entries, such as 100.",
      param: { name: "limit", in: "query" },
    }),
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER, pageMessages.after)
    .optional()
    .openapi({
      type: "integer",
      format: "int64",
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Only entries with a greater `key_id`: the last one of the page before.",
      param: { name: "after", in: "query" },
    }),
});

export type PageQuery = z.infer<typeof pageQuerySchema>;

function wholeNumber(min: number, max: number, message: string) {
  return z
    .string(message)
    .regex(/^[0-9]{1,16}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}
