import { keyIdSchema } from "./key-id.ts";
import { z } from "zod";
import { namedSchemas } from "./named-schemas.ts";

function bytes(description: string, example: number) {
  return z
    .int()
    .min(0)
    .meta({ format: "int64", description: `${description}, in bytes.`, example });
}

export const trafficSchema = z
  .strictObject({
    key_id: keyIdSchema,
    upload: bytes("From the client to the server", 1024000),
    download: bytes("From the server to the client", 2048000),
    total: bytes("`upload` + `download`", 3072000),
    last_updated: z.int().meta({
      format: "int64",
      description: "Unix time in seconds at which the figures were read from Xray; the key's `created_at` before that.",
      example: 1703520000,
    }),
  })
  .register(namedSchemas, { id: "Traffic" });

export type TrafficBody = z.infer<typeof trafficSchema>;

/** The figures of many keys in ascending order of their ids. */
export const trafficListSchema = z
  .strictObject({
    traffic: z.array(trafficSchema).meta({ description: "In ascending order of `key_id`." }),
    total: z.int().min(0).meta({ description: "The number of all keys.", example: 1 }),
  })
  .register(namedSchemas, { id: "TrafficList" });

export type TrafficListBody = z.infer<typeof trafficListSchema>;

export const trafficResetSchema = z
  .strictObject({
    success: z.literal(true),
    message: z.string().meta({ example: "Traffic reset successfully for key 1" }),
    key_id: keyIdSchema,
    previous_upload: bytes("`upload` up to the reset", 1024000),
    previous_download: bytes("`download` up to the reset", 2048000),
    previous_total: bytes("`total` up to the reset", 3072000),
  })
  .register(namedSchemas, { id: "TrafficReset" });

export type TrafficResetBody = z.infer<typeof trafficResetSchema>;

export const trafficSyncedSchema = z
  .strictObject({
    success: z.literal(true),
    message: z.string().meta({ example: "Synced 10 keys, 0 errors" }),
    updated: z.int().min(0).meta({ description: "Active keys whose figures are up to date.", example: 10 }),
    errors: z.int().min(0).meta({ description: "Active keys that could not be read.", example: 0 }),
  })
  .meta({ description: "`updated` + `errors` is the number of active keys." })
  .register(namedSchemas, { id: "TrafficSynced" });

export type TrafficSyncedBody = z.infer<typeof trafficSyncedSchema>;
