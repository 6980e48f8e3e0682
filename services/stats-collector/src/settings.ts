import { nodeVariables } from "@veil/node-settings";
import { runtimeSettings, url, wholeNumber } from "@veil/service-runtime";
import { z } from "zod";

/** The collector's variables; see the README's settings table. */
export const collectorSettings = z.object({
  ...runtimeSettings({ metricsPort: 9102 }),
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
  /** Traffic jobs under way at once in one collector. Those that refresh keys share their readings. */
  COLLECTOR_CONCURRENCY: wholeNumber({ min: 1, max: 512 }).default(64).meta({ example: "64" }),
  /** How many users of a node the `v2ray_traffic_*` metrics show, those with the most bytes; 0 for none. */
  METRICS_TOP_USERS: wholeNumber({ max: 1_000 }).default(0).meta({ example: "50" }),
  /** Opens the page on the queues to who knows it. */
  ADMIN_PASSWORD: z
    .string()
    .min(12, "must have at least 12 characters")
    .optional()
    .meta({ secret: true, example: "<output of: openssl rand -hex 16>" }),
  TRAFFIC_SYNC_INTERVAL_SECONDS: wholeNumber({ min: 1, max: 3_600 }).default(10).meta({ example: "10" }),
});
