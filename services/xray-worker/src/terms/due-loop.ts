import { dueOf, type KeyReader } from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import { lastingFailure, type PeriodicTask, type RunningService, runLoop } from "@veil/runtime";
import pLimit from "p-limit";
import { applyDue, type ApplyDueOptions } from "./apply-due.ts";

export interface DueLoopOptions extends ApplyDueOptions {
  readonly keys: Pick<KeyReader, "listDue">;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  /** Called once every key has been entered anew. */
  readonly onRebuilt: () => void;
}

/** Due keys wait for a look of some worker; a look at an index in which nothing is due costs a tenth of a millisecond. */
const LOOK_EVERY_MS = 200;
/** Whether the index is whole takes Redis three answers, one of them long. */
const CHECK_EVERY_MS = 500;
const REBUILD_LEASE_MS = 10_000;
const ENTERED_AT_ONCE = 200;
/**
 * Keys that expired so recently are entered as well: their users may still be in the nodes when the index is lost. The passes
 * over the nodes find those that expired earlier.
 */
const RECENTLY_OVER_MS = 10 * 60_000;

/** Carries out what becomes due about keys, by all workers together, until the service stops. */
export function startDueLoop(running: RunningService, options: DueLoopOptions): PeriodicTask {
  return runLoop(running, "due keys", {
    everyMs: LOOK_EVERY_MS,
    jitter: 0.2,
    task: () => applyDue(options),
    ...lastingFailure(options.log, "could not carry out what is due about keys"),
  });
}

/**
 * Keeps everything entered that will become due, by one of the workers, until the service stops. Keys that are due do not wait
 * for it.
 */
export function startDueEntries(running: RunningService, options: DueLoopOptions): PeriodicTask {
  return runLoop(running, "entries of due keys", {
    everyMs: CHECK_EVERY_MS,
    jitter: 0.2,
    task: () => enterDue(options),
    ...lastingFailure(options.log, "could not enter what will become due about keys"),
  });
}

/** Enters from the store whatever will become due, unless it is all there. @throws when a store is away */
export async function enterDue({ index, keys, ports, exclusive, log, onRebuilt }: DueLoopOptions): Promise<void> {
  if (await index.isComplete()) return;
  await runExclusively({ ...exclusive, subject: "due-index", leaseMs: REBUILD_LEASE_MS }, async () => {
    const limit = pLimit(ENTERED_AT_ONCE);
    const entering = await index.beginEntering();
    let entered = 0;
    for await (const group of keys.listDue()) {
      await Promise.all(
        group.map((key) =>
          limit(async () => {
            const due = dueOf(key.terms, ports.clock.now() - RECENTLY_OVER_MS, ports.notices);
            if (due.at === null && due.traffic === null) return;
            await index.expect(key.keyId, due);
            entered += 1;
          }),
        ),
      );
    }
    // Otherwise it is made once more: somebody emptied it meanwhile.
    if (!(await index.markComplete(entering))) return;
    log.info({ keys: entered }, "rebuilt the index of due keys");
    onRebuilt();
  });
}
