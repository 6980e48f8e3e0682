/** One mark that was seen on a node, and the epoch its readings belong to. */
export interface SeenMark {
  readonly mark: string;
  readonly epoch: number;
}

/** The lives of a node's Xray process, as far as its counters are concerned. */
export interface NodeLives {
  readonly node: string;
  /** Goes up whenever a mark is added. */
  readonly revision: number;
  /** The last marks that were seen, oldest first. */
  readonly marks: readonly SeenMark[];
  /** How often the process was found restarted. */
  readonly restarts: number;
  /** When a reading of the node was last dated by its mark. Unix milliseconds, 0 when never. */
  readonly seen_at: number;
  /** The epoch of that reading. */
  readonly seen_epoch: number;
}

/** How many marks are remembered. Only the newest ones can still be alive. */
const KEPT_MARKS = 32;

/** How far the clocks of two collectors may lie apart, in milliseconds. */
const CLOCK_TOLERANCE = 5_000;

/** The epoch of a mark that was seen before. */
export function epochOf(lives: NodeLives | null, mark: string): number | undefined {
  return lives?.marks.find((seen) => seen.mark === mark)?.epoch;
}

/**
 * Gives a mark that was not seen before its epoch. Do it between reading the mark and reading it again: then the marks that
 * have readings are in the order of the lives they mark, and a higher epoch means a later life.
 *
 * The mark vanishes when the process ends, so a new one is a new epoch, unless the process has surely been running since
 * before the last reading that the old mark dated: then somebody removed the old mark, the counters went on, and so does
 * the epoch. When that is not certain it is a new life, as restarts are everyday and a mark that others remove is not.
 *
 * @param startedBefore the process has been running since this moment or longer. Unix milliseconds.
 * @param now unix milliseconds
 */
export function addMark(
  lives: NodeLives | null,
  node: string,
  mark: string,
  startedBefore: number,
  now: number,
): NodeLives {
  const second = Math.floor(now / 1000);
  if (lives === null) {
    return { node, revision: 1, marks: [{ mark, epoch: second }], restarts: 0, seen_at: 0, seen_epoch: 0 };
  }
  const goesOn = startedBefore <= lives.seen_at - CLOCK_TOLERANCE;
  const epoch = goesOn ? lives.seen_epoch : Math.max(second, ...lives.marks.map((seen) => seen.epoch + 1));
  return {
    ...lives,
    revision: lives.revision + 1,
    marks: [...lives.marks, { mark, epoch }].slice(-KEPT_MARKS),
    restarts: lives.restarts + (goesOn ? 0 : 1),
  };
}
