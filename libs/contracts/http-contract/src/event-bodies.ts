import { type EventType, eventTypes, isEventType, type LoggedEvent } from "@veil/events";
import { z } from "zod";
import { eventDeviceSchema } from "./device-bodies.ts";
import { keySchema } from "./key-bodies.ts";
import { namedSchemas } from "./named-schemas.ts";
import { wholeNumber } from "./queries.ts";

const LARGEST_PAGE = 1_000;
const USUAL_PAGE = 100;

export const eventMessages = {
  after: `after must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  limit: `limit must be a whole number from 1 to ${LARGEST_PAGE}`,
  type: `type must be one of ${eventTypes.join(", ")}`,
  actor: "actor must be given once, as a string",
  keyId: `key_id must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
} as const;

/** Selects events; an event has to fit all that is named. */
export const eventQuerySchema = z.object({
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER, eventMessages.after).default(0).meta({
    format: "int64",
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Only events with a greater `seq`: the last one that was read.",
  }),
  limit: wholeNumber(1, LARGEST_PAGE, eventMessages.limit)
    .default(USUAL_PAGE)
    .meta({ description: "At most so many." }),
  type: z
    .string(eventMessages.type)
    .refine((text): text is EventType => isEventType(text), eventMessages.type)
    .optional()
    .meta({ enum: eventTypes, description: "Only events of this type." }),
  actor: z.string(eventMessages.actor).optional().meta({ description: "Only what this token, or `system`, did." }),
  key_id: wholeNumber(0, Number.MAX_SAFE_INTEGER, eventMessages.keyId)
    .optional()
    .meta({ format: "int64", maximum: Number.MAX_SAFE_INTEGER, description: "Only events of this key." }),
});

export type EventListQuery = z.infer<typeof eventQuerySchema>;

const shownKeySchema = keySchema
  .omit({ uuid: true, subscription_url: true })
  .meta({ description: "A key without what lets anybody connect." })
  .register(namedSchemas, { id: "ShownKey" });

export const eventSchema = z
  .strictObject({
    id: z
      .string()
      .meta({ description: "Unique for good; the same however often it is read.", example: "1-3-h2k9x0-1" }),
    seq: z.int().min(1).meta({
      format: "int64",
      description:
        "Ascending, without gaps but for events of others. Whoever has seen one never finds a smaller one that was not there before.",
      example: 42,
    }),
    type: z.enum(eventTypes).meta({ example: "key.updated" }),
    at: z.int().meta({ format: "int64", description: "When it happened. Unix seconds.", example: 1703520000 }),
    actor: z
      .strictObject({
        name: z.string().meta({
          description:
            "The name of the token or secret; `secret-1`, `secret-2` … for secrets without a name, in the order of the " +
            "settings; `system` for what happened by itself.",
          example: "shop",
        }),
        address: z.string().nullable().meta({ description: "Where the request came from.", example: "203.0.113.7" }),
        request_id: z.string().nullable().meta({ description: "The `X-Request-Id` of the request.", example: "r-17" }),
      })
      .meta({ description: "Who did it." }),
    data: z
      .looseObject({
        key: shownKeySchema.optional().meta({ description: "The key right after it." }),
        before: shownKeySchema
          .partial()
          .optional()
          .meta({ description: "Of the key what was different before, as it was then." }),
        device: eventDeviceSchema.optional().meta({
          description:
            "The device of `key.device_added` and `key.device_refused`, beside `key`. A device that is refused is reported " +
            "once in 24 hours, and no more than ten of a key in that time.",
        }),
        node: z.string().optional().meta({ description: "The name of the node.", example: "main" }),
      })
      .meta({ description: "What it is about: `key` with `before` or `device`, or `token`, `webhook` or `node`." }),
  })
  .meta({ description: "Something that happened." })
  .register(namedSchemas, { id: "Event" });

export type EventBody = z.infer<typeof eventSchema>;

export const eventListSchema = z
  .strictObject({ events: z.array(eventSchema).meta({ description: "In ascending order of `seq`." }) })
  .register(namedSchemas, { id: "EventList" });

/** An event as callers see it, wherever it is sent. Its data were written out for them when it was logged. */
export function eventBody({ id, seq, type, at, actor, data }: LoggedEvent): Omit<EventBody, "data"> & { data: object } {
  const { name, address, requestId: request_id } = actor;
  return { id, seq, type, at, actor: { name, address, request_id }, data };
}
