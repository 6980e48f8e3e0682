import { z } from "zod";
import { queryFlag } from "./query-flag.ts";

export const REFRESH_MESSAGE = "refresh must be true or false";

/** Whether Xray is asked for the newest figures before an answer; it is unless the query says no. */
export const refreshQuerySchema = z.object({
  refresh: queryFlag(REFRESH_MESSAGE, true).meta({
    description: "False for the stored figures, such as for a list of many keys.",
  }),
});
