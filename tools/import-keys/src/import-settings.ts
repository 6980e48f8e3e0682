import { nodeSettings, nodeVariables } from "@veil/node-settings";
import { url } from "@veil/service-runtime";
import { z } from "zod";

/** The importer's variables: those of the worker that it needs, with the same meaning. */
export const importSettings = z
  .object({
    ...nodeVariables,
    REDIS_URL: url(["redis", "rediss"]).default("redis://127.0.0.1:6379").meta({ example: "redis://127.0.0.1:6379" }),
    MONGODB_URI: url(["mongodb", "mongodb+srv"])
      .default("mongodb://127.0.0.1:27017/veil")
      .meta({ example: "mongodb://127.0.0.1:27017/veil" }),
    QUEUE_PREFIX: z
      .string()
      .regex(/^[a-z0-9-]+$/, "must consist of a-z, 0-9 and -")
      .default("veil")
      .meta({ example: "veil" }),
    REALITY_COMMON_SHORT_ID: z
      .string()
      .regex(/^[0-9a-f]{8}$/, "must be 8 hexadecimal digits in lower case")
      .default("7bb45050")
      .meta({ example: "7bb45050" }),
    REALITY_FLOW: z.enum(["none", "xtls-rprx-vision"]).default("none").meta({ example: "none" }),
    XRAY_CONFIG_PATH: z.string().optional().meta({ example: "/etc/xray/config.json" }),
    XRAY_CONFIG_NODE: z.string().optional().meta({ example: "main" }),
    XRAY_BINARY: z.string().optional().meta({ example: "/usr/local/bin/xray" }),
  })
  .superRefine((values, context) => {
    const names = nodeSettings(values).map(({ name }) => name);
    if (values.XRAY_CONFIG_NODE !== undefined && !names.includes(values.XRAY_CONFIG_NODE)) {
      context.addIssue({ code: "custom", path: ["XRAY_CONFIG_NODE"], message: `must be one of ${names.join(", ")}` });
    }
  });

export type ImportSettings = z.output<typeof importSettings>;
