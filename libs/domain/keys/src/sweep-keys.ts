import pLimit from "p-limit";
import { clearKey, unclearedNodes } from "./clear-key.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import { nodesOfClaim } from "./wanted-on.ts";
import type { HandledKey, KeyStore } from "./ports.ts";
import { OVERDUE_AFTER_MS } from "./timing.ts";
import { tryRead } from "./try-read.ts";

/** Clearing a key is mostly a second of waiting, so many go at once. */
const CLEARED_AT_ONCE = 256;

export interface SweepResult {
  /** Creations past their deadline that nobody had decided, and that are refused now. */
  readonly overdue: number;
  /** Deletions found unfinished, and how many of them are finished now. */
  readonly deleting: number;
  readonly cleared: number;
}

/**
 * Finishes what no job finishes any more: creations past their deadline are refused, deletions completed. Users that only
 * nodes that are away still hold wait for these, and cost nothing until then. A key whose record takes no change fails alone.
 *
 * @param uncleared finds the keys that are not cleared; the store itself when left out
 * @throws {StoreUnavailableError}
 */
export async function sweepKeys(
  ports: LifecyclePorts,
  uncleared: Pick<KeyStore, "findUncleared"> = ports.store,
): Promise<SweepResult> {
  const overdue = await ports.store.findOverdue(ports.clock.now() - OVERDUE_AFTER_MS);
  let refused = 0;
  for (const creation of overdue) {
    const indeterminate = nodesOfClaim(creation, ports);
    const end = await tryRead(() => ports.store.decide({ ...creation, phase: "deleting", indeterminate }));
    if (end !== "unreadable") refused += 1;
  }
  const deleting = await uncleared.findUncleared(ports.nodes, ports.clock.now());
  const due = deleting.filter((key) => isDue(key, ports));
  const limit = pLimit(CLEARED_AT_ONCE);
  const ends = await Promise.all(due.map((key) => limit(() => tryRead(() => clearKey(key, [], ports)))));
  const cleared = ends.filter((end) => end === "cleared").length;
  return { overdue: refused, deleting: deleting.length, cleared };
}

/** Whether anything can be done: some node that is not clear answers, or all are clear and only the record has to go. */
function isDue(key: HandledKey, ports: LifecyclePorts): boolean {
  const unfinished = unclearedNodes(key, key.terms.groups, ports, ports.clock.now());
  return unfinished.length === 0 || unfinished.some(({ reachable }) => reachable);
}
