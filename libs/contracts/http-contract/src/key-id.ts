import { z } from "zod";

/** The answer to anything that can't name a key. */
export const KEY_ID_MESSAGE = `key_id must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, or the key's UUID`;

/** A key as callers name it: by its id, or by its UUID in lower case. */
export type KeyRef = number | string;

/** The id of a key in a body: a whole number from 0 to 2^53-1, or the key's UUID in any case. */
export const keyRefSchema = z.union(
  [z.int(KEY_ID_MESSAGE).min(0, KEY_ID_MESSAGE).meta({ format: "int64" }), z.guid(KEY_ID_MESSAGE).toLowerCase()],
  KEY_ID_MESSAGE,
);

/**
 * The id of a key as it stands in a path: decimal digits, at most 2^53-1, or the key's UUID in any case.
 *
 * Documented as the string that it is in a path: with two types Swagger UI sends nothing, and generators of Go clients
 * fail or make a type that nobody can fill. No short pattern ends at 2^53-1, so the one shown ends at 15 digits.
 */
const keyRefParamSchema = z
  .string()
  .transform((text) => (/^[0-9]+$/.test(text) ? Number(text) : text))
  .pipe(keyRefSchema)
  .meta({
    pattern: "^([0-9]{1,15}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
    description: "Id of the key, or its UUID.",
    example: "1",
  });

/** Path parameters of the endpoints of one key. */
export const keyPathSchema = z.object({ key_id: keyRefParamSchema });

/** The id of a key in an answer. */
export const keyIdSchema = z
  .int()
  .min(1)
  .meta({ format: "int64", description: "Unique and never used again, not even after a delete.", example: 1 });
