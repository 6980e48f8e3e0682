import { z } from "zod";
import { jsonSchemaOf } from "./json-schemas.ts";
import { createKeySchema, keySchema } from "./key-bodies.ts";
import { keyRefSchema } from "./key-id.ts";
import { namedSchemas, schemaRef } from "./named-schemas.ts";
import { emptyAsObject } from "./parse-request.ts";

/** Most keys in one call. */
export const LARGEST_BATCH = 1_000;

/** The largest valid batch (1000 names of 255 characters, each as two escapes) and some air. */
export const BATCH_LIMIT_BYTES = 4 * 1024 * 1024;

/** One item of a batch after its check: a bad one never spoils the rest. */
export type BatchItem<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string };

/** The body of `POST /api/keys/batch`. Items are checked one by one. */
export const createKeysSchema = z
  .object(
    {
      keys: batchOf(createKeySchema, "keys").meta({
        description: "The keys to create, each as `POST /api/keys` takes it.",
      }),
    },
    "the body must be a JSON object",
  )
  .meta({ additionalProperties: true })
  .register(namedSchemas, { id: "CreateKeys" });

/** The body of `POST /api/keys/batch-delete`. Items are checked one by one. */
export const deleteKeysSchema = z
  .object(
    {
      key_ids: batchOf(keyRefSchema, "key_ids").meta({
        description: "Ids of keys, or their UUIDs.",
      }),
    },
    "the body must be a JSON object",
  )
  .meta({ additionalProperties: true })
  .register(namedSchemas, { id: "DeleteKeys" });

const batchItemSchema = z
  .discriminatedUnion("status", [
    z.strictObject({ status: z.enum(["ok"]), key: keySchema }).register(namedSchemas, { id: "BatchItemDone" }),
    z
      .strictObject({ status: z.enum(["error"]), detail: z.string() })
      .meta({ description: "`detail` is what a single call would have answered." })
      .register(namedSchemas, { id: "BatchItemFailed" }),
  ])
  .meta({
    discriminator: {
      propertyName: "status",
      mapping: { ok: schemaRef("BatchItemDone").$ref, error: schemaRef("BatchItemFailed").$ref },
    },
  });

/** The outcome of each item, in the order of the request. */
export const batchResultSchema = z
  .strictObject({
    results: z.array(batchItemSchema),
    succeeded: z.int().min(0).meta({ example: 1 }),
    failed: z.int().min(0).meta({ example: 1 }),
  })
  .meta({ description: "`succeeded` + `failed` is the number of items." })
  .register(namedSchemas, { id: "BatchResult" });

export type BatchResultBody = z.infer<typeof batchResultSchema>;

function batchOf<T>(item: z.ZodType<T>, name: string) {
  const message = `${name} must be a list of 1 to ${LARGEST_BATCH} items`;
  return z
    .array(
      z.unknown().transform((value) => checkItem(item, value)),
      message,
    )
    .min(1, message)
    .max(LARGEST_BATCH, message)
    .meta({ items: jsonSchemaOf(item) });
}

function checkItem<T>(item: z.ZodType<T>, value: unknown): BatchItem<T> {
  const parsed = item.safeParse(emptyAsObject(value));
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, detail: parsed.error.issues[0]?.message ?? "the item is not valid" };
}
