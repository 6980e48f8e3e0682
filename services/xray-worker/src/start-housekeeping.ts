import type { KeyHousekeeping } from "@veil/keys";
import { type PeriodicTask, type RunningService, runLoop } from "@veil/runtime";
import { dropTombstones, type HousekeepingOptions, sweep } from "./housekeeping.ts";

export interface HousekeepingLoopsOptions extends HousekeepingOptions {
  readonly store: Pick<KeyHousekeeping, "prepare" | "dropTombstones">;
  readonly sweepEveryMs: number;
}

const prepareAgainAfterMs = 1_000;
/** Tombstones stay for a day: that some of them stay a little longer costs less than looking for them often. */
const forgetEveryMs = 10 * 60_000;

/** Prepares the store, and keeps house until the service stops. @returns the sweep, to be called for when nodes are back */
export function startHousekeeping(running: RunningService, options: HousekeepingLoopsOptions): PeriodicTask {
  const { store, log, sweepEveryMs } = options;
  const preparation = runLoop(running, "preparation", {
    everyMs: prepareAgainAfterMs,
    onError: (err) => log.warn({ err }, "the key store could not be prepared"),
    task: async () => {
      await store.prepare();
      void preparation.stop();
    },
  });
  runLoop(running, "tombstones", {
    everyMs: forgetEveryMs,
    jitter: 0.5,
    firstRun: "later",
    task: () => dropTombstones(options),
    onError: (err) => log.warn({ err }, "could not drop tombstones"),
  });
  return runLoop(running, "sweep", {
    everyMs: sweepEveryMs,
    jitter: 0.1,
    // The nodes' first passes call for it: users wait for those.
    firstRun: "later",
    task: () => sweep(options),
    onError: (err) => log.warn({ err }, "could not sweep"),
  });
}
