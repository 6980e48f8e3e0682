import type { ExclusiveTask } from "@veil/redis";

/** No pass begins for so long after a worker died in one. */
const PASS_LEASE_MS = 5_000;

/** What keeps passes over a node, and whatever must not meet one, from each other: a task for `runExclusively`. */
export function passLock(node: string, exclusive: Pick<ExclusiveTask, "redis" | "prefix">): ExclusiveTask {
  return { ...exclusive, subject: `reconcile:${node}`, leaseMs: PASS_LEASE_MS };
}
