import { z } from "./zod.ts";

const keyIdMessage = `key_id must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;

/** A key as callers name it: by its id, or by its UUID in lower case. */
export type KeyRef = number | string;

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const idDocument = { type: "integer", format: "int64", minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const uuidDocument = { type: "string", format: "uuid" } as const;

/** The id of a key as it stands in a path: decimal digits, at most 2^53-1, or the key's UUID in any case. */
const keyRefParamSchema = z
  .string()
  .transform((text, context): KeyRef => {
    if (uuid.test(text)) return text.toLowerCase();
    const keyId = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(keyId)) return keyId;
    context.addIssue(keyIdMessage);
    return z.NEVER;
  })
  .openapi({
    type: ["integer", "string"],
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    description: "Id of the key, or its UUID.",
    example: 1,
    param: { name: "key_id", in: "path" },
  });

/** The id of a key in a body: a whole number from 0 to 2^53-1, or the key's UUID in any case. */
export const keyRefSchema = z
  .union([z.int(keyIdMessage).min(0, keyIdMessage), z.string().regex(uuid, keyIdMessage).toLowerCase()], keyIdMessage)
  .openapi({ anyOf: [idDocument, uuidDocument] });

/** Path parameters of the endpoints of one key. */
export const keyPathSchema = z.object({ key_id: keyRefParamSchema });

/** The id of a key in a body. */
export const keyIdSchema = z
  .int()
  .min(1)
  .openapi({ format: "int64", description: "Unique and never used again, not even after a delete.", example: 1 });
