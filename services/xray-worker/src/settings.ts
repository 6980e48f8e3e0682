import {
  configFileVariables,
  nodeTlsVariables,
  nodeVariables,
  realityVariables,
  requireConfigNode,
  requireTlsFolder,
  webhookVariables,
} from "@veil/settings";
import { discoveryVariables, requireDiscoveryTls } from "./discovery/discovery-settings.ts";
import {
  booleanFlag,
  commaListOrOff,
  type DependentSettings,
  engineVariables,
  runtimeSettings,
  timeZone,
  wholeNumber,
} from "@veil/runtime";
import { z } from "zod";

const percent = wholeNumber({ min: 1, max: 99 });
const hours = wholeNumber({ min: 1, max: 8_760 });

/** The worker's variables; see the README's settings table. */
export const workerSettings = z
  .object({
    ...runtimeSettings({ metricsPort: 9101 }),
    ...nodeVariables,
    ...engineVariables,
    ...realityVariables,
    ...nodeTlsVariables,
    ...configFileVariables,
    ...webhookVariables,
    ...discoveryVariables,
    /** Key jobs under way at once in one worker; 16–64 is where a node's gRPC API is fastest. */
    WORKER_CONCURRENCY: wholeNumber({ min: 1, max: 512 }).default(64).meta({ example: "64" }),
    RECONCILE_INTERVAL_SECONDS: wholeNumber({ min: 5, max: 3_600 }).default(30).meta({ example: "30" }),
    /** The IANA time zone in whose midnight traffic is reset. */
    TIMEZONE: timeZone().default("UTC").meta({ example: "Europe/Berlin" }),
    /** After how many days an expired key is deleted; never when it is not set. */
    DELETE_EXPIRED_AFTER_DAYS: wholeNumber({ min: 1, max: 36_500 }).optional().meta({ example: "90" }),
    /** At how many percent of its traffic limit a key's use is reported; never when it is `off`. */
    USAGE_THRESHOLDS: commaListOrOff(percent).default([80, 95]).meta({ example: "80,95" }),
    /** How many hours before its end a key's expiry is reported; never when it is `off`. */
    EXPIRES_SOON_HOURS: commaListOrOff(hours).default([72, 24]).meta({ example: "72,24" }),
    /** For how many days events are kept. */
    EVENTS_DAYS: wholeNumber({ min: 1, max: 3_650 }).default(30).meta({ example: "30" }),
    /** Whether a removed user's multiplexed connection is kept from opening further streams. */
    XRAY_BLOCK_DELETED: booleanFlag().default(true),
    /** Whether a node is left as it is when MongoDB knows nothing of most of its users. */
    XRAY_ORPHAN_BRAKE: booleanFlag().default(true),
  })
  .superRefine(requireConfigNode)
  .superRefine(requireTlsFolder)
  .superRefine(requireDiscoveryTls);

/** Settings that mean nothing without another one. XRAY_BINARY is not among them: `npm start` starts Xray by it. */
export const dependentSettings: DependentSettings = {
  XRAY_CONFIG_PATH: ["XRAY_CONFIG_NODE"],
  XRAY_DISCOVERY_SERVICE: Object.keys(discoveryVariables).filter((name) => name !== "XRAY_DISCOVERY_SERVICE"),
};

export type WorkerSettings = z.output<typeof workerSettings>;
