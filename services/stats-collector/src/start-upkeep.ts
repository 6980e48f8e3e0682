import { type Logger, type RunningService, runLoop } from "@veil/service-runtime";
import type { TrafficStore } from "@veil/traffic-ledger";
import type { ActiveKeys } from "./active-keys.ts";
import type { RecordCompactor } from "./compact-records.ts";
import { removeGone } from "./remove-gone.ts";

export interface UpkeepOptions {
  readonly compactor: RecordCompactor;
  readonly records: TrafficStore;
  readonly keys: ActiveKeys;
  readonly log: Logger;
}

const compactEveryMs = 10_000;
const removeGoneEveryMs = 60 * 60 * 1_000;

/** Keeps the ledger small until the service stops. */
export function startUpkeep(running: RunningService, { compactor, records, keys, log }: UpkeepOptions): void {
  runLoop(running, "compactor", {
    everyMs: compactEveryMs,
    firstRun: "later",
    jitter: 0.1,
    task: async () => {
      const compacted = await compactor.pass();
      if (compacted > 0) log.debug({ compacted }, "compacted traffic records");
    },
    onError: (err) => log.warn({ err }, "could not compact traffic records"),
  });
  runLoop(running, "removal", {
    everyMs: removeGoneEveryMs,
    firstRun: "later",
    jitter: 0.5,
    task: async () => {
      const removed = await removeGone(records, keys);
      if (removed > 0) log.debug({ removed }, "removed traffic records of keys that are gone");
    },
    onError: (err) => log.warn({ err }, "could not remove traffic records of keys that are gone"),
  });
}
