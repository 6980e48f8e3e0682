import { z } from "./zod.ts";

export const statusSchema = z
  .strictObject({ status: z.literal("ok"), service: z.literal("veil-xray-api") })
  .openapi("Status");

export type StatusBody = z.infer<typeof statusSchema>;
