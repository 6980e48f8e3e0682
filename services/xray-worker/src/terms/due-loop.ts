import { applyDueTerms, dueOf, type KeyReader, type LifecyclePorts, RemovalTurns } from "@veil/keys";
import { type DueIndex, type ExclusiveTask, runExclusively } from "@veil/redis";
import { lastingFailure, type Logger, type PeriodicTask, type RunningService, runLoop } from "@veil/runtime";
import pLimit from "p-limit";

export interface DueLoopOptions {
  readonly ports: LifecyclePorts;
  readonly index: DueIndex;
  readonly keys: Pick<KeyReader, "listDue">;
  /** How many keys the store takes up together at little more than the cost of a thousand. */
  readonly takenTogether: () => Promise<number>;
  /** How many keys one group has where the store finds no more of them together; 500 when left out. */
  readonly takenAtOnce?: number;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly log: Logger;
  /** Called once every key has been entered anew. */
  readonly onRebuilt: () => void;
  /** Called with how many keys were looked at together, and how long it took. */
  readonly onApplied: (keys: number, durationMs: number) => void;
}

/** What is due waits for a look of some worker; a look at an index in which nothing is due costs a tenth of a millisecond. */
const LOOK_EVERY_MS = 200;
/** Of two groups at a time: while the nodes drop the users of one, the other is found and its end is stored. */
const TAKEN_AT_ONCE = 500;
/** What one worker took is another's if it died; far above what two groups take. */
const TAKEN_FOR_MS = 5_000;
/**
 * When more are due than two groups, so many are taken where the store finds them together: an engine without an index passes
 * all keys to find a thousand of them, and the same for ten thousand. Anywhere else a thousand are done before the leases of
 * ten thousand would be had.
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
  const { ports, takenTogether, takenAtOnce = TAKEN_AT_ONCE } = options;
  const turns = new RemovalTurns();
  const first = await takeDue(options);
  if (first.length < takenAtOnce) return applyGroup(first, options, turns);
  const together = await takenTogether();
  const isOneByOne = together > 2 * takenAtOnce;
  const ofAllNodes = Math.floor(together / Math.max(1, ports.nodes.length));
  const further = isOneByOne ? Math.max(takenAtOnce, ofAllNodes - takenAtOnce) : 0;
  const applyAll = async (begin: readonly number[] | Promise<readonly number[]>) => {
    for (let due = await begin; due.length > 0; due = await takeDue(options)) {
      const isLast = due.length < takenAtOnce;
      const more = isLast || !isOneByOne ? [] : await takeDue(options, further, MANY_TAKEN_FOR_MS);
      await applyGroup([...due, ...more], options, turns);
      if (isLast) return;
    }
  };
  const all = [applyAll(first), ...(isOneByOne ? [] : [applyAll(takeDue(options))])];
  // The next look begins when both have ended, also when one fails.
  await Promise.allSettled(all);
  await Promise.all(all);
}

async function applyGroup(due: readonly number[], options: DueLoopOptions, turns: RemovalTurns): Promise<void> {
  const { ports, log, onApplied } = options;
  if (due.length === 0) return;
  const begun = ports.clock.now();
  const ends = await applyDueTerms(due, ports, turns);
  const durationMs = ports.clock.now() - begun;
  const applied = [...ends.values()].filter((end) => end === "applied").length;
  log.debug({ keys: due.length, applied, durationMs }, "carried out what was due about keys");
  onApplied(due.length, durationMs);
}

function takeDue(
  { index, ports, takenAtOnce = TAKEN_AT_ONCE }: DueLoopOptions,
  limit = takenAtOnce,
  takenForMs = TAKEN_FOR_MS,
): Promise<readonly number[]> {
  return index.take(ports.clock.now(), limit, takenForMs);
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
