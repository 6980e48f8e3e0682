import { type Life, lifeOf, type NodeLives, nodeOfSeries, seriesOf } from "./node-lives.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * How long at least the lives of a node are kept after it was last read. An Xray process that is found again under any name within that
 * time goes on where it was; one that has been running unread for longer counts anew. A node whose process began once costs some 500
 * bytes, and each key that moved bytes on it 200 bytes: of ten new names a day 3,650 are kept.
 */
export const LIVES_KEPT_MS = 365 * DAY_MS;

/**
 * The lives of nodes that nobody needs any more: those of nodes that are gone and were not read for long, and whose series no life runs
 * in that is still needed, under whichever name.
 *
 * @param all those of all nodes that ever were; with one missing, what that one needs would be forgotten
 * @param known names of the nodes that there are
 * @param readBefore unix milliseconds
 */
export function forgottenLives(
  all: readonly NodeLives[],
  known: ReadonlySet<string>,
  readBefore: number,
): readonly NodeLives[] {
  const ofNode = new Map(all.map((lives) => [lives.node, lives]));
  const needed = new Set<NodeLives>();
  const need = (lives: NodeLives): void => {
    if (needed.has(lives)) return;
    needed.add(lives);
    for (const { node } of livesIn(lives)) {
      const owner = ofNode.get(nodeOfSeries(node));
      if (owner !== undefined) need(owner);
    }
  };
  for (const lives of all) if (known.has(lives.node) || lastReadAt(lives) >= readBefore) need(lives);
  return all.filter((lives) => !needed.has(lives));
}

/** What the ledger's entries of lives that may still be running begin with. */
export function knownSeries(all: readonly NodeLives[]): ReadonlySet<string> {
  return new Set(all.flatMap((lives) => [seriesOf(lives), ...livesIn(lives).map(({ node }) => node)]));
}

/** Marks of lives that are shown by none of the others. */
export function marksOfNone(forgotten: readonly NodeLives[], all: readonly NodeLives[]): readonly string[] {
  const others = new Set(forgotten);
  const shown = new Set(all.filter((lives) => !others.has(lives)).flatMap(marksOf));
  return forgotten.flatMap(marksOf).filter((mark) => !shown.has(mark));
}

function marksOf({ marks }: NodeLives): string[] {
  return marks.map(({ mark }) => mark);
}

function livesIn(lives: NodeLives): Life[] {
  return lives.marks.map((seen) => lifeOf(lives, seen));
}

/** When the node was last read, or began a life. */
function lastReadAt({ seenAt, seen = {}, marks }: NodeLives): number {
  return Math.max(seenAt, ...Object.values(seen), ...marks.map(({ epoch }) => epoch * 1_000));
}
