import { type KeyHousekeeping, type KeyStore, type LifecyclePorts, sweepKeys } from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import {
  lastingFailure,
  type Logger,
  type PeriodicTask,
  type RunningService,
  runLoop,
  type SharedClock,
} from "@veil/runtime";

export interface HousekeepingOptions {
  readonly ports: LifecyclePorts;
  /** Finds the keys that are not cleared. */
  readonly uncleared: Pick<KeyStore, "findUncleared">;
  readonly store: Pick<KeyHousekeeping, "dropTombstones">;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Pick<SharedClock, "earliest">;
  readonly log: Logger;
}

const SWEEP_LEASE_MS = 10_000;
/** No duplicate of a job turns up after a day. */
const TOMBSTONE_AGE_S = 24 * 60 * 60;

/** Finishes what jobs left unfinished; one replica at a time. */
export async function sweep({
  ports,
  uncleared,
  exclusive,
  log,
}: Pick<HousekeepingOptions, "ports" | "uncleared" | "exclusive" | "log">) {
  await runExclusively({ ...exclusive, subject: "sweep", leaseMs: SWEEP_LEASE_MS }, async () => {
    const swept = await sweepKeys(ports, uncleared);
    // Deletions that wait for a node that is away are found by every sweep until it is back.
    if (swept.overdue + swept.cleared > 0) log.warn({ ...swept }, "sweep completed unfinished jobs");
  });
}

/** Forgets what no job can need any more; one replica at a time. */
export async function dropTombstones({ ports, store, exclusive, clock, log }: Omit<HousekeepingOptions, "uncleared">) {
  const nodes = ports.nodes.map(({ name }) => name);
  await runExclusively({ ...exclusive, subject: "tombstones", leaseMs: SWEEP_LEASE_MS }, async () => {
    const dropped = await store.dropTombstones(Math.floor(clock.earliest() / 1000) - TOMBSTONE_AGE_S, nodes);
    if (dropped > 0) log.debug({ dropped }, "dropped tombstones");
  });
}

export interface HousekeepingLoopsOptions extends HousekeepingOptions {
  readonly store: Pick<KeyHousekeeping, "prepare" | "dropTombstones">;
  readonly sweepEveryMs: number;
}

const PREPARE_AGAIN_AFTER_MS = 1_000;
/** Tombstones stay for a day: that some of them stay a little longer costs less than looking for them often. */
const FORGET_EVERY_MS = 10 * 60_000;

/** Prepares the store, and keeps house until the service stops. @returns the sweep, to be called for when nodes are back */
export function startHousekeeping(running: RunningService, options: HousekeepingLoopsOptions): PeriodicTask {
  const { store, log, sweepEveryMs } = options;
  const preparation = runLoop(running, "preparation", {
    everyMs: PREPARE_AGAIN_AFTER_MS,
    ...lastingFailure(log, "the key store could not be prepared"),
    task: async () => {
      await store.prepare();
      void preparation.stop();
    },
  });
  runLoop(running, "tombstones", {
    everyMs: FORGET_EVERY_MS,
    jitter: 0.5,
    firstRun: "later",
    task: () => dropTombstones(options),
    ...lastingFailure(log, "could not drop tombstones"),
  });
  return runLoop(running, "sweep", {
    everyMs: sweepEveryMs,
    jitter: 0.1,
    // The nodes' first passes call for it: users wait for those.
    firstRun: "later",
    task: () => sweep(options),
    ...lastingFailure(log, "could not sweep"),
  });
}
