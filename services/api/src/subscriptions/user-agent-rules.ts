import { formatNames, isFormatName } from "@veil/subscriptions";
import { json } from "@veil/runtime";
import { z } from "zod";

/** Far more than the beginnings of User-Agents by which apps differ. */
const MAX_PREFIX_LENGTH = 100;
const MAX_RULES = 100;

const rule = z.strictObject({
  prefix: z.string().min(1, "must not have an empty prefix").max(MAX_PREFIX_LENGTH),
  format: z.string().refine(isFormatName, `must name formats of ${formatNames.join(", ")}`),
});

/** A setting that gives apps a format: a JSON list like `[{"prefix":"Happ/","format":"xray"}]`, of which the first that fits counts. */
export const userAgentRules = json("list").pipe(z.array(rule).max(MAX_RULES));
