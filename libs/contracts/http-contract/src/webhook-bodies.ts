import { eventTypes } from "@veil/events";
import { LONGEST_URL, urlFault } from "@veil/webhooks";
import { z } from "zod";
import { messages } from "./messages.ts";
import { namedSchemas } from "./named-schemas.ts";
import { idPageQuery } from "./queries.ts";

const MOST_TYPES = 64;

const families = [...new Set(eventTypes.map((type) => `${type.split(".")[0]}.*`))];
const wantedTypes: readonly string[] = ["*", ...families, ...eventTypes];
const typesMessage = `types must be a list of 1 to ${MOST_TYPES} of ${wantedTypes.join(", ")}`;

const url = z
  .string(messages.webhookUrl)
  .superRefine((text, context) => {
    // Whether private addresses are allowed is for the server's settings to say.
    const fault = urlFault(text, true);
    if (fault !== null) context.addIssue(fault);
  })
  .meta({
    description:
      "Where events are sent by POST: http or https. Private and loopback addresses are refused unless the server's " +
      "`WEBHOOK_ALLOW_PRIVATE` is set.",
    maxLength: LONGEST_URL,
    pattern: "^[Hh][Tt][Tt][Pp][Ss]?://",
    example: "https://bot.example.com/veil",
  });

const types = z
  .array(z.enum(wantedTypes, typesMessage), typesMessage)
  .min(1, typesMessage)
  .max(MOST_TYPES, typesMessage)
  .transform((list): readonly string[] => [...new Set(list)])
  .meta({
    description: "Which events: names, families like `key.*`, or `*` for all.",
    example: ["key.*", "node.down"],
  });

const enabled = z.boolean("enabled must be true or false").meta({
  description: "Whether events are delivered. What happens while it is off is delivered once it is on again.",
});

const seconds = z.int().meta({ format: "int64" });

/** A webhook as every endpoint shows it. */
export const webhookSchema = z
  .strictObject({
    id: z.string().meta({ example: "wh_5f0c2f6f1d0e4b7a8c9d" }),
    url: z.string().meta({ example: "https://bot.example.com/veil" }),
    types: z.array(z.string()).meta({ example: ["key.*", "node.down"] }),
    enabled,
    disabled_reason: z
      .string()
      .nullable()
      .meta({ description: "Why the server switched it off; null when it did not.", example: null }),
    created_at: seconds.meta({ description: "Unix time in seconds.", example: 1703520000 }),
    last_delivered_at: seconds
      .nullable()
      .meta({ description: "When an event was last taken; null for never.", example: 1703606400 }),
    failing_since: seconds
      .nullable()
      .meta({ description: "Since when no event was taken that was sent; null while all is well.", example: null }),
    last_error: z
      .string()
      .nullable()
      .meta({ description: "What came of the last attempt; null while all is well.", example: null }),
  })
  .register(namedSchemas, { id: "Webhook" });

export type WebhookBody = z.infer<typeof webhookSchema>;

/** A webhook that was just made. */
export const newWebhookSchema = webhookSchema
  .extend({
    secret: z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{43}=$/)
      .optional()
      .meta({
        description: "What deliveries are signed with. Shown once: a repeat of the request gets the answer without it.",
        example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
      }),
  })
  .register(namedSchemas, { id: "CreatedWebhook" });

export const webhookListSchema = z
  .strictObject({ webhooks: z.array(webhookSchema), total: z.int().min(0).meta({ example: 1 }) })
  .register(namedSchemas, { id: "WebhookList" });

export type WebhookListBody = z.infer<typeof webhookListSchema>;

export const createWebhookSchema = z
  .object({ url, types }, "the body must be a JSON object")
  .register(namedSchemas, { id: "WebhookToCreate" });

export type CreateWebhookBody = z.infer<typeof createWebhookSchema>;

export const updateWebhookSchema = z
  .object(
    { url: url.optional(), types: types.optional(), enabled: enabled.optional() },
    "the body must be a JSON object",
  )
  .register(namedSchemas, { id: "WebhookToUpdate" });

export type UpdateWebhookBody = z.infer<typeof updateWebhookSchema>;

/** Selects a page of the webhooks. */
export const webhookPageQuerySchema = idPageQuery("webhook");

export const webhookPathSchema = z.object({
  id: z.string().meta({ description: "The webhook's `id`.", example: "wh_5f0c2f6f1d0e4b7a8c9d" }),
});

export const webhookDeletedSchema = z
  .strictObject({
    success: z.literal(true),
    message: z.string().meta({ example: "Webhook wh_5f0c2f6f1d0e4b7a8c9d deleted successfully" }),
  })
  .register(namedSchemas, { id: "WebhookDeleted" });

export type WebhookDeletedBody = z.infer<typeof webhookDeletedSchema>;

export const webhookTestedSchema = z
  .strictObject({
    success: z.boolean().meta({ description: "Whether the receiver took the event.", example: true }),
    message: z.string().meta({ example: "The receiver took the event" }),
  })
  .register(namedSchemas, { id: "WebhookTested" });

export type WebhookTestedBody = z.infer<typeof webhookTestedSchema>;
