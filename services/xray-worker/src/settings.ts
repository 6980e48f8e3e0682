import { nodeSettings, nodeVariables } from "@veil/node-settings";
import { booleanFlag, runtimeSettings, url, wholeNumber } from "@veil/service-runtime";
import { z } from "zod";

/** The worker's variables; see the README's settings table. */
export const workerSettings = z
  .object({
    ...runtimeSettings({ metricsPort: 9101 }),
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
    /** Key jobs under way at once in one worker; 16–64 is where a node's gRPC API is fastest. */
    WORKER_CONCURRENCY: wholeNumber({ min: 1, max: 512 }).default(64).meta({ example: "64" }),
    RECONCILE_INTERVAL_SECONDS: wholeNumber({ min: 5, max: 3_600 }).default(30).meta({ example: "30" }),
    REALITY_COMMON_SHORT_ID: z
      .string()
      .regex(/^[0-9a-f]{8}$/, "must be 8 hexadecimal digits in lower case")
      .default("7bb45050")
      .meta({ example: "7bb45050" }),
    REALITY_FLOW: z.enum(["none", "xtls-rprx-vision"]).default("none").meta({ example: "none" }),
    /** Whether a removed user's multiplexed connection is kept from opening further streams. */
    XRAY_BLOCK_DELETED: booleanFlag().default(true),
    /** Xray's config file, where it is on a disk of ours: the keys are then kept in it too. */
    XRAY_CONFIG_PATH: z.string().optional().meta({ example: "/etc/xray/config.json" }),
    /** The node whose file that is. Default: the first. */
    XRAY_CONFIG_NODE: z.string().optional().meta({ example: "main" }),
    /** Judges the file before it is replaced. */
    XRAY_BINARY: z.string().optional().meta({ example: "/usr/local/bin/xray" }),
  })
  .superRefine((values, context) => {
    const names = nodeSettings(values).map(({ name }) => name);
    if (values.XRAY_CONFIG_NODE !== undefined && !names.includes(values.XRAY_CONFIG_NODE)) {
      context.addIssue({ code: "custom", path: ["XRAY_CONFIG_NODE"], message: `must be one of ${names.join(", ")}` });
    }
  });

export type WorkerSettings = z.output<typeof workerSettings>;
