import { applyDueTerms, type DueEnd, type LifecyclePorts, RemovalQueues } from "@veil/keys";
import type { DueIndex } from "@veil/redis";
import type { Logger } from "@veil/runtime";

export interface ApplyDueOptions {
  readonly ports: LifecyclePorts;
  readonly index: DueIndex;
  /** How many keys the store takes up together at little more than the cost of a thousand. */
  readonly takenTogether: () => Promise<number>;
  /** How many keys one group has where the store finds no more of them together; 500 when left out. */
  readonly takenAtOnce?: number;
  readonly log: Logger;
  /** Called with how many keys were looked at together, and how long it took. */
  readonly onApplied: (keys: number, durationMs: number) => void;
}

/** Of two groups at a time: while the nodes drop the users of one, the other is found and its end is stored. */
const TAKEN_AT_ONCE = 500;
/** After it the keys that a worker took are another's, should the first have died; far above the time of two groups. */
const TAKEN_FOR_MS = 5_000;
/**
 * When more are due than two groups, so many are taken where the store finds them together: an engine without an index passes
 * all keys to find a thousand of them, and the same for ten thousand. Anywhere else a thousand are done before the leases of
 * ten thousand would be had.
 */
const MANY_TAKEN_FOR_MS = 20_000;

/** The state that groups of one look share. */
interface Look {
  readonly queues: RemovalQueues;
  /** Keys of groups that are under way: those of a slow one become due again meanwhile. */
  readonly inHand: Set<number>;
}

/** One look at what is due, and at more as long as there is more. @throws when a store is away */
export async function applyDue(options: ApplyDueOptions): Promise<void> {
  const { ports, takenTogether, takenAtOnce = TAKEN_AT_ONCE } = options;
  const look: Look = { queues: new RemovalQueues(), inHand: new Set() };
  const first = await takeDue(options);
  if (first.length < takenAtOnce) return applyGroup(first, options, look);
  const together = await takenTogether();
  const isOneGroup = together > 2 * takenAtOnce;
  const ofAllNodes = Math.floor(together / Math.max(1, ports.nodes.length));
  const further = isOneGroup ? Math.max(takenAtOnce, ofAllNodes - takenAtOnce) : 0;
  const applyAll = async (begin: readonly number[] | Promise<readonly number[]>) => {
    for (let due = await begin; due.length > 0; due = await takeDue(options)) {
      const isLast = due.length < takenAtOnce;
      const more = isLast || !isOneGroup ? [] : await takeDue(options, further, MANY_TAKEN_FOR_MS);
      await applyGroup([...due, ...more], options, look);
      if (isLast) return;
    }
  };
  const all = [applyAll(first), ...(isOneGroup ? [] : [applyAll(takeDue(options))])];
  // The next look begins when both have ended, also when one fails.
  await Promise.allSettled(all);
  await Promise.all(all);
}

async function applyGroup(taken: readonly number[], options: ApplyDueOptions, { queues, inHand }: Look): Promise<void> {
  const { ports, log, onApplied } = options;
  const due = taken.filter((keyId) => !inHand.has(keyId));
  if (due.length === 0) return;
  for (const keyId of due) inHand.add(keyId);
  const begun = performance.now();
  let ends: ReadonlyMap<number, DueEnd>;
  try {
    ends = await applyDueTerms(due, ports, queues);
  } finally {
    for (const keyId of due) inHand.delete(keyId);
  }
  const durationMs = Math.round(performance.now() - begun);
  const applied = [...ends.values()].filter((end) => end === "applied").length;
  log.debug({ keys: due.length, applied, durationMs }, "carried out what was due about keys");
  onApplied(due.length, durationMs);
}

function takeDue(
  { index, ports, takenAtOnce = TAKEN_AT_ONCE }: ApplyDueOptions,
  limit = takenAtOnce,
  takenForMs = TAKEN_FOR_MS,
): Promise<readonly number[]> {
  return index.take(ports.clock.now(), limit, takenForMs);
}
