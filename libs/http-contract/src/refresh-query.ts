import { z } from "./zod.ts";

export const refreshMessage = "refresh must be true or false";

/** Whether Xray is asked for the newest figures before an answer; it is unless the query says no. */
export const refreshQuerySchema = z.object({
  refresh: z
    .enum(["true", "false"], refreshMessage)
    .optional()
    .transform((value) => value !== "false")
    .openapi({
      type: "boolean",
      default: true,
      description: "False for the stored figures, such as for a list of many keys.",
      param: { name: "refresh", in: "query" },
    }),
});
