import { z } from "zod";
import { namedSchemas } from "./named-schemas.ts";

/** The body of every error: one text, never a list or a nested object. */
export const errorBodySchema = z
  .strictObject({ detail: z.string().meta({ description: "What went wrong, in one sentence." }) })
  .meta({ description: "The body of every error." })
  .register(namedSchemas, { id: "Error" });

export type ErrorBody = z.infer<typeof errorBodySchema>;
