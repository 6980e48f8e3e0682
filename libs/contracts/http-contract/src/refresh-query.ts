import { z } from "zod";

export const REFRESH_MESSAGE = "refresh must be true or false";

/** As JavaScript and Go write them, as Python does, and as PHP does. */
const words = new Map<unknown, boolean>([
  ["true", true],
  ["True", true],
  ["1", true],
  ["false", false],
  ["False", false],
  ["0", false],
]);

/** Whether Xray is asked for the newest figures before an answer; it is unless the query says no. */
export const refreshQuerySchema = z.object({
  refresh: z
    .preprocess((text) => words.get(text) ?? text, z.boolean(REFRESH_MESSAGE).default(true))
    .meta({ description: "False for the stored figures, such as for a list of many keys." }),
});
