import { type KeyHousekeeping, type LifecyclePorts, sweepKeys } from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import type { Clock, Logger } from "@veil/runtime";

export interface HousekeepingOptions {
  readonly ports: LifecyclePorts;
  readonly store: Pick<KeyHousekeeping, "dropTombstones">;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Clock;
  readonly log: Logger;
}

const sweepLeaseMs = 10_000;
/** No duplicate of a job turns up after a day. */
const tombstoneAgeS = 24 * 60 * 60;

/** Finishes what jobs left unfinished; one replica at a time. */
export async function sweep({ ports, exclusive, log }: Pick<HousekeepingOptions, "ports" | "exclusive" | "log">) {
  await runExclusively({ ...exclusive, subject: "sweep", leaseMs: sweepLeaseMs }, async () => {
    const swept = await sweepKeys(ports);
    if (swept.overdue + swept.deleting > 0) log.warn({ ...swept }, "finished what jobs left unfinished");
  });
}

/** Forgets what no job can need any more; one replica at a time. */
export async function dropTombstones({ store, exclusive, clock, log }: Omit<HousekeepingOptions, "ports">) {
  await runExclusively({ ...exclusive, subject: "tombstones", leaseMs: sweepLeaseMs }, async () => {
    const dropped = await store.dropTombstones(Math.floor(clock.now() / 1000) - tombstoneAgeS);
    if (dropped > 0) log.debug({ dropped }, "dropped tombstones");
  });
}
