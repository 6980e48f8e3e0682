import { keyIdSchema } from "./key-id.ts";
import { keyNameSchema } from "./key-name.ts";
import { z } from "zod";
import { namedSchemas } from "./named-schemas.ts";

/** A key as every endpoint shows it. */
export const keySchema = z
  .strictObject({
    key_id: keyIdSchema,
    uuid: z.uuid().meta({
      description: "The id of the VLESS user, lower case.",
      example: "123e4567-e89b-42d3-a456-426614174000",
    }),
    short_id: z
      .string()
      .regex(/^[0-9a-f]{8}$/)
      .meta({ description: "The Reality short id, the same for all keys.", example: "7bb45050" }),
    name: keyNameSchema,
    created_at: z.int().meta({ format: "int64", description: "Unix time in seconds.", example: 1703520000 }),
    is_active: z.boolean().meta({ description: "Whether the key may connect.", example: true }),
  })
  .meta({ description: "An access key." })
  .register(namedSchemas, { id: "Key" });

export type KeyBody = z.infer<typeof keySchema>;

/** What `POST /api/keys` takes. Unknown fields are dropped. */
export const createKeySchema = z
  .object({ name: keyNameSchema.optional() }, "the body must be a JSON object")
  .meta({ description: "Properties of the key to create. Unknown fields are ignored.", additionalProperties: true })
  .register(namedSchemas, { id: "CreateKey" });

export type CreateKeyBody = z.infer<typeof createKeySchema>;

/** All keys in ascending order of their ids. */
export const keyListSchema = z
  .strictObject({
    keys: z.array(keySchema).meta({ description: "In ascending order of `key_id`." }),
    total: z.int().min(0).meta({ description: "The number of all keys.", example: 2 }),
  })
  .register(namedSchemas, { id: "KeyList" });

export type KeyListBody = z.infer<typeof keyListSchema>;

export const keyDeletedSchema = z
  .strictObject({
    success: z.literal(true),
    message: z.string().meta({ example: "Key 1 deleted successfully" }),
  })
  .register(namedSchemas, { id: "KeyDeleted" });

export type KeyDeletedBody = z.infer<typeof keyDeletedSchema>;

export const keyLinkSchema = z
  .strictObject({
    key_id: keyIdSchema,
    vless_link: z.string().meta({ description: "A link that VPN clients import." }),
  })
  .register(namedSchemas, { id: "KeyLink" });

export type KeyLinkBody = z.infer<typeof keyLinkSchema>;

export const keyLinksSchema = z
  .strictObject({
    key_id: keyIdSchema,
    links: z
      .array(
        z.strictObject({
          host: z.string().meta({ description: "The host that clients dial.", example: "your-domain.com" }),
          node: z.string().meta({ description: "The Xray node behind it.", example: "main" }),
          protocol: z.string().meta({ example: "vless" }),
          remark: z.string().meta({ description: "What a client calls the connection.", example: "user_123" }),
          link: z.string().meta({ description: "A link that VPN clients import." }),
        }),
      )
      .min(1)
      .meta({ description: "One for each host. The first is the answer of `/link`." }),
  })
  .register(namedSchemas, { id: "KeyLinks" });

export type KeyLinksBody = z.infer<typeof keyLinksSchema>;
