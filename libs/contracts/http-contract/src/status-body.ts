import { z } from "zod";
import { namedSchemas } from "./named-schemas.ts";

export const statusSchema = z
  .strictObject({ status: z.literal("ok"), service: z.literal("veil-xray-api") })
  .register(namedSchemas, { id: "Status" });

export type StatusBody = z.infer<typeof statusSchema>;
