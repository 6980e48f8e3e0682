import { CONFIG_FILE_LEASE_MS } from "@veil/keys";
import type { ExclusiveTask } from "./run-exclusively.ts";

/** No pass begins for so long after a worker died in one. */
const PASS_LEASE_MS = 5_000;

/** Keeps passes over a place apart, and anything else that must not meet one: by the place's name. */
export function passTask(place: string, exclusive: Pick<ExclusiveTask, "redis" | "prefix">): ExclusiveTask {
  return { ...exclusive, subject: `reconcile:${place}`, leaseMs: PASS_LEASE_MS };
}

/** Keeps the writers of a node's config file apart, as `XrayConfigFile` demands. */
export function configFileTask(node: string, exclusive: Pick<ExclusiveTask, "redis" | "prefix">): ExclusiveTask {
  return { ...exclusive, subject: `config-file:${node}`, leaseMs: CONFIG_FILE_LEASE_MS };
}
