import { nodeTlsVariables, nodeVariables, requireTlsFolder } from "@veil/settings";
import { engineVariables, runtimeSettings, wholeNumber } from "@veil/runtime";
import { z } from "zod";

/** The collector's variables; see the README's settings table. */
export const collectorSettings = z
  .object({
    ...runtimeSettings({ metricsPort: 9102 }),
    ...nodeVariables,
    ...nodeTlsVariables,
    ...engineVariables,
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
    /** For how many days the usage of each day is kept; hours are kept for seven days. */
    USAGE_DAYS: wholeNumber({ min: 1, max: 3_650 }).default(90).meta({ example: "90" }),
    TRAFFIC_SYNC_INTERVAL_SECONDS: wholeNumber({ min: 1, max: 3_600 }).default(10).meta({ example: "10" }),
  })
  .superRefine(requireTlsFolder);
