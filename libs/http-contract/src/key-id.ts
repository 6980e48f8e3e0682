import { z } from "./zod.ts";

const keyIdMessage = `key_id must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;

/** The id of a key as it stands in a path: decimal digits, at most 2^53-1. Parses to a number. */
const keyIdParamSchema = z
  .string()
  .regex(/^[0-9]+$/, keyIdMessage)
  .transform(Number)
  .refine(Number.isSafeInteger, keyIdMessage)
  .openapi({
    type: "integer",
    format: "int64",
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Id of the key.",
    example: 1,
    param: { name: "key_id", in: "path" },
  });

/** Path parameters of the endpoints of one key. */
export const keyPathSchema = z.object({ key_id: keyIdParamSchema });

/** The id of a key in a body. */
export const keyIdSchema = z
  .int()
  .min(1)
  .openapi({ format: "int64", description: "Unique and never used again, not even after a delete.", example: 1 });
