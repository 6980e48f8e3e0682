import { z } from "./zod.ts";

/** The body of every error: one text, never a list or a nested object. */
export const errorBodySchema = z
  .strictObject({ detail: z.string().openapi({ description: "What went wrong, in one sentence." }) })
  .openapi("Error", { description: "The body of every error." });

export type ErrorBody = z.infer<typeof errorBodySchema>;
