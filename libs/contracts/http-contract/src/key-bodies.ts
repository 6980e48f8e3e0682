import { keyStatusSchema } from "./key-filters.ts";
import { keyIdSchema } from "./key-id.ts";
import { keyNameSchema } from "./key-name.ts";
import { z } from "zod";
import { namedSchemas } from "./named-schemas.ts";
import { contradictionIn, termFields, trafficResetSchema } from "./terms-bodies.ts";

const moment = z
  .int()
  .nullable()
  .meta({ type: ["integer", "null"], format: "int64" });
const bytes = z.int().min(0).meta({ format: "int64" });
const UNREAD_TRAFFIC =
  "0 where the record of it is damaged, and in the answer to a change after which it could not be read.";

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
    is_active: z.boolean().meta({
      description: "Whether the key may connect: its status is `active` or `on_hold`.",
      example: true,
    }),
    status: keyStatusSchema.meta({
      description:
        "The status at the moment of the answer: the first match of `disabled`, `expired`, `limited`, " +
        "`on_hold`, `active`.",
      example: "active",
    }),
    enabled: z.boolean().meta({ description: "The switch.", example: true }),
    expires_at: moment.meta({ description: "From then on the key works nowhere. Unix seconds.", example: 1767225600 }),
    traffic_limit: bytes
      .nullable()
      .meta({ description: "Bytes, upload and download together, since the last reset.", example: 107374182400 }),
    traffic_reset: trafficResetSchema.meta({
      description: "When the count of traffic starts anew by itself.",
      example: "month",
    }),
    next_reset_at: moment.meta({ description: "When it does so next. Unix seconds.", example: 1704067200 }),
    traffic_used: bytes.meta({
      description: `Bytes since the last reset, as of the last sync. ${UNREAD_TRAFFIC}`,
      example: 5368709120,
    }),
    traffic_lifetime: bytes.meta({
      description: `Bytes ever, as of the last sync. ${UNREAD_TRAFFIC}`,
      example: 53687091200,
    }),
    hold_for: bytes.nullable().meta({ description: "The term of a key on hold, in seconds.", example: null }),
    hold_until: moment.meta({ description: "When that term begins at the latest. Unix seconds.", example: null }),
    external_id: z.string().nullable().meta({ description: "The caller's own id of the key.", example: "tg-42" }),
    tag: z.string().nullable().meta({ description: "A label to filter by.", example: "premium" }),
    note: z.string().nullable().meta({ description: "Free text.", example: null }),
    groups: z.array(z.string()).meta({ description: "Which hosts and nodes the key gets.", example: ["default"] }),
    device_limit: z
      .int()
      .min(1)
      .nullable()
      .meta({ description: "How many devices may fetch the subscription.", example: null }),
    subscription_url: z.string().meta({
      description: "What apps subscribe to. Whoever has it has the key.",
      example: "https://your-domain.com/sub/7Rk0sT1mXc4VbQ9LwZ2eYh8D0000a1B2c",
    }),
    online_at: moment.meta({
      description: "When it was last seen to move bytes, also on a node where they count as 0. Unix seconds.",
      example: 1703521000,
    }),
    first_connected_at: moment.meta({
      description: "When it was first seen to move bytes, also on a node where they count as 0. Unix seconds.",
      example: 1703520300,
    }),
    revision: z.int().min(1).meta({
      description: "Goes up with each change by a caller or by a due date; the first part of the key's `ETag`.",
      example: 1,
    }),
  })
  .meta({ description: "An access key." })
  .register(namedSchemas, { id: "Key" });

export type KeyBody = z.infer<typeof keySchema>;

/** The body of `POST /api/keys`. Unknown fields are dropped. */
export const createKeySchema = z
  .object({ name: keyNameSchema, ...termFields }, "the body must be a JSON object")
  .partial()
  .superRefine((body, context) => {
    const contradiction = contradictionIn(body);
    if (contradiction !== null) context.addIssue(contradiction);
  })
  .meta({ description: "Properties of the key to create. Unknown fields are ignored.", additionalProperties: true })
  .register(namedSchemas, { id: "CreateKey" });

export type CreateKeyBody = z.infer<typeof createKeySchema>;

/** The body of `PUT /api/keys/by-external-id/{external_id}`: the path names the id. */
export const putKeySchema = z
  .object({ name: keyNameSchema, ...termFields }, "the body must be a JSON object")
  .omit({ external_id: true })
  .partial()
  .superRefine((body, context) => {
    const contradiction = contradictionIn(body);
    if (contradiction !== null) context.addIssue(contradiction);
  })
  .meta({ description: "Properties the key should have. Unknown fields are ignored.", additionalProperties: true })
  .register(namedSchemas, { id: "PutKey" });

/** The fields that can be set on an existing key. */
export const updateKeyFields = {
  name: keyNameSchema,
  ...termFields,
  enabled: termFields.enabled.nullable(),
  traffic_reset: termFields.traffic_reset.nullable(),
  groups: termFields.groups.nullable(),
};

/** What a change does beside setting fields. */
export const updateKeyActs = {
  reset_traffic: z
    .boolean("reset_traffic must be true or false")
    .meta({ description: "Starts the count of traffic anew, in the same change.", example: true }),
  reset_devices: z
    .boolean("reset_devices must be true or false")
    .meta({ description: "Forgets the registered devices, in the same change.", example: true }),
};

/** The body of `PATCH /api/keys/{key_id}`: a JSON merge patch, in which null resets a field to its default. */
export const updateKeySchema = z
  .object({ ...updateKeyFields, ...updateKeyActs }, "the body must be a JSON object")
  .partial()
  .meta({ description: "Fields to change. Unknown fields are ignored.", additionalProperties: true })
  .register(namedSchemas, { id: "UpdateKey" });

export type UpdateKeyBody = z.infer<typeof updateKeySchema>;

const LONGEST_EXTENSION_DAYS = 36_525;
const SECONDS_PER_DAY = 86_400;

/** The body of `POST /api/keys/{key_id}/extend`. Yields seconds. */
export const extendKeySchema = z
  .object(
    {
      days: extension("days", LONGEST_EXTENSION_DAYS),
      seconds: extension("seconds", LONGEST_EXTENSION_DAYS * SECONDS_PER_DAY),
    },
    "the body must be a JSON object",
  )
  .partial()
  .refine(({ days, seconds }) => (days === undefined) !== (seconds === undefined), "name either days or seconds")
  .meta({ description: "Either `days` or `seconds`; negative ones shorten the term.", additionalProperties: true })
  .register(namedSchemas, { id: "ExtendKey" });

/** How many seconds an extension means. */
export function extensionSeconds({ days = 0, seconds = 0 }: z.infer<typeof extendKeySchema>): number {
  return days * SECONDS_PER_DAY + seconds;
}

function extension(name: string, most: number) {
  const message = `${name} must be a whole number from -${most} to ${most}`;
  return z.int(message).min(-most, message).max(most, message);
}

/** The body of `POST /api/keys/{key_id}/revoke`. */
export const revokeKeySchema = z
  .object(
    {
      link: z.boolean("link must be true or false").meta({ description: "A new `subscription_url`." }),
      credentials: z.boolean("credentials must be true or false").meta({ description: "A new `uuid`." }),
    },
    "the body must be a JSON object",
  )
  .partial()
  .refine(({ link, credentials }) => link === true || credentials === true, "name link, credentials or both as true")
  .meta({ description: "What is to be replaced.", additionalProperties: true })
  .register(namedSchemas, { id: "RevokeKey" });

/** All keys in ascending order of their ids. */
export const keyListSchema = z
  .strictObject({
    keys: z.array(keySchema).meta({ description: "In ascending order of `key_id`." }),
    total: z.int().min(0).meta({ description: "Number of matching keys.", example: 2 }),
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
      .meta({
        description:
          "One for each host that is meant for the key. The first is the answer of `/link`; without one, that is 409.",
      }),
  })
  .register(namedSchemas, { id: "KeyLinks" });

export type KeyLinksBody = z.infer<typeof keyLinksSchema>;
