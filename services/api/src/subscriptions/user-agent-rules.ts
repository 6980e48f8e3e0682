import { formatNames, isFormatName } from "@veil/subscriptions";
import { z } from "zod";

/** Far more than the beginnings of User-Agents by which apps differ. */
const MAX_PREFIX_LENGTH = 100;
const MAX_RULES = 100;

const rule = z.strictObject({
  prefix: z.string().min(1, "must not have an empty prefix").max(MAX_PREFIX_LENGTH),
  format: z.string().refine(isFormatName, `must name formats of ${formatNames.join(", ")}`),
});

/** A setting that gives apps a format: a JSON list like `[{"prefix":"Happ/","format":"xray"}]`, of which the first that fits counts. */
export const userAgentRules = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: "custom", message: "must be a JSON list" });
      return z.NEVER;
    }
  })
  .pipe(z.array(rule).max(MAX_RULES));
