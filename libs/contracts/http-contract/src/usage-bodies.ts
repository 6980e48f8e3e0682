import { z } from "zod";
import { digits } from "./key-filters.ts";
import { keyIdSchema } from "./key-id.ts";
import { namedSchemas } from "./named-schemas.ts";
import { LATEST_MOMENT } from "./terms-bodies.ts";

const STEPS = ["hour", "day"] as const;
const bytes = z.int().min(0).meta({ format: "int64" });

function moment(name: string, description: string) {
  const message = `${name} must be a whole number of unix seconds`;
  return z
    .preprocess(
      digits,
      z.int(message).min(0, message).max(LATEST_MOMENT, `${name} must be unix seconds, not milliseconds`),
    )
    .optional()
    .meta({ description, format: "int64", maximum: LATEST_MOMENT });
}

/** Selects a part of a key's past. */
export const usageQuerySchema = z.object({
  from: moment(
    "from",
    "The hour or day that holds this moment is the first one; a day or 30 days before `to` if left out.",
  ),
  to: moment("to", "What begins at this moment or later is left out; now if left out. Unix seconds."),
  step: z
    .enum(STEPS, `step must be one of ${STEPS.join(", ")}`)
    .default("day")
    .meta({ description: "How long each part is. Days are those of UTC." }),
});

export type UsageQuery = z.infer<typeof usageQuerySchema>;

const periodsSchema = z.array(
  z
    .strictObject({
      at: z.int().meta({ format: "int64", description: "When it began. Unix seconds.", example: 1703462400 }),
      upload: bytes.meta({ description: "Bytes from the client to the server.", example: 1024000 }),
      download: bytes.meta({ description: "Bytes from the server to the client.", example: 2048000 }),
    })
    .register(namedSchemas, { id: "UsagePeriod" }),
);

export const usageSchema = z
  .strictObject({
    key_id: keyIdSchema,
    step: z.enum(STEPS).meta({ example: "day" }),
    usage: periodsSchema.meta({
      description: "Oldest first, also where nothing moved. Resets change nothing about it.",
    }),
  })
  .register(namedSchemas, { id: "Usage" });

export type UsageBody = z.infer<typeof usageSchema>;

const count = (description: string, example: number) => z.int().min(0).meta({ description, example });

export const statsSchema = z
  .strictObject({
    keys: z
      .strictObject({
        total: count("All of them.", 12),
        active: count("In service.", 7),
        on_hold: count("Waiting for the first byte.", 1),
        limited: count("Used up.", 1),
        expired: count("Over.", 2),
        disabled: count("Switched off.", 1),
      })
      .meta({ description: "Keys by their `status`." }),
    online: count("Keys of which bytes were counted within the last 60 seconds.", 3),
    traffic: periodsSchema.meta({
      description:
        "What all nodes moved on each of the last 30 days (UTC), today the last of them; deleted keys included.",
    }),
    groups: z
      .array(
        z.strictObject({
          name: z.string().meta({ example: "default" }),
          keys: count("How many keys are in it.", 12),
        }),
      )
      .meta({ description: "Groups that keys are in, by name." }),
  })
  .register(namedSchemas, { id: "Stats" });

export type StatsBody = z.infer<typeof statsSchema>;
