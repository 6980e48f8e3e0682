import { dueOf, type KeyReader, type LifecyclePorts, applyDueTerms } from "@veil/keys";
import { type DueIndex, type ExclusiveTask, runExclusively } from "@veil/redis";
import { lastingFailure, type Logger, type PeriodicTask, type RunningService, runLoop } from "@veil/runtime";
import pLimit from "p-limit";

export interface DueLoopOptions {
  readonly ports: LifecyclePorts;
  readonly index: DueIndex;
  readonly keys: Pick<KeyReader, "listDue">;
  /** How many keys the store takes up together at little more than the cost of a thousand. */
  readonly takenTogether: () => Promise<number>;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly log: Logger;
  /** Called once every key has been entered anew. */
  readonly onRebuilt: () => void;
  /** Called with how many keys were looked at together, and how long it took. */
  readonly onApplied: (keys: number, durationMs: number) => void;
}

/** What is due waits for a look of some worker; a look at an index in which nothing is due costs a tenth of a millisecond. */
const LOOK_EVERY_MS = 200;
const TAKEN_AT_ONCE = 1_000;
/** What one worker took is another's if it died; far above what so many keys take. */
const TAKEN_FOR_MS = 5_000;
/**
 * When more are due than are taken at once, so many are taken where the store finds them together: an engine without an index
 * passes all keys to find a thousand of them, and the same for ten thousand. Anywhere else a thousand are done before the
 * leases of ten thousand would be had.
 */
const MANY_TAKEN_FOR_MS = 20_000;
const REBUILD_LEASE_MS = 10_000;
const ENTERED_AT_ONCE = 200;
/**
 * What expired so recently is entered as well: its users may still be in the nodes when the index is lost. What expired
 * earlier the passes over the nodes find.
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

/** Keeps everything entered that will become due, by one of the workers, until the service stops. What is due does not wait. */
export function startDueEntries(running: RunningService, options: DueLoopOptions): PeriodicTask {
  return runLoop(running, "entries of due keys", {
    everyMs: LOOK_EVERY_MS,
    jitter: 0.2,
    task: () => enterDue(options),
    ...lastingFailure(options.log, "could not enter what will become due about keys"),
  });
}

/** One look at what is due, and at more as long as there is more. @throws when a store is away */
export async function applyDue(options: DueLoopOptions): Promise<void> {
  const { ports, log, onApplied } = options;
  while (true) {
    const due = await takeDue(options);
    if (due.length === 0) return;
    const begun = ports.clock.now();
    const ends = await applyDueTerms(due, ports);
    const durationMs = ports.clock.now() - begun;
    const applied = [...ends.values()].filter((end) => end === "applied").length;
    log.debug({ keys: due.length, applied, durationMs }, "carried out what was due about keys");
    onApplied(due.length, durationMs);
    if (due.length < TAKEN_AT_ONCE) return;
  }
}

async function takeDue({ index, ports, takenTogether }: DueLoopOptions): Promise<number[]> {
  const now = ports.clock.now();
  const first = await index.take(now, TAKEN_AT_ONCE, TAKEN_FOR_MS);
  if (first.length < TAKEN_AT_ONCE) return first;
  const further = Math.floor((await takenTogether()) / Math.max(1, ports.nodes.length)) - TAKEN_AT_ONCE;
  if (further <= 0) return first;
  return [...first, ...(await index.take(now, further, MANY_TAKEN_FOR_MS))];
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
