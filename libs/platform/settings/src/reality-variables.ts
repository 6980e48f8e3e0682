import { z } from "zod";

/** The settings that a key's user and its links share: the API shows them, the worker gives them to Xray. */
export const realityVariables = {
  /** The short id that every key may come with. */
  REALITY_COMMON_SHORT_ID: z
    .string()
    .regex(/^[0-9a-f]{8}$/, "must be 8 hexadecimal digits in lower case")
    .default("7bb45050")
    .meta({ example: "7bb45050" }),
  REALITY_FLOW: z.enum(["none", "xtls-rprx-vision"]).default("none").meta({ example: "none" }),
};
