/** What the ledger calls one life of an Xray process. One life has one name in all records, whichever nodes lead to it. */
export interface Life {
  /** The first part of its entries: a node's name, perhaps with `@` and a number behind it. */
  readonly node: string;
  /** Of lives with the same `node` at most one is running: the one with the highest epoch. */
  readonly epoch: number;
}

/** One mark that was seen on a node. */
export interface SeenMark {
  readonly mark: string;
  /** The node's own number of this life, higher than that of all lives it showed before. */
  readonly epoch: number;
  /** What the ledger calls the life, where that is not the node's own name and number. */
  readonly life?: Life;
  /** Where the node was found when it showed the mark; missing when nobody said. */
  readonly address?: string;
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
  /** When a reading of the node was last dated by a mark. Unix milliseconds, 0 when never. */
  readonly seenAt: number;
  /** The highest epoch that had a reading, in the node's own numbers. */
  readonly seenEpoch: number;
  /**
   * When a reading was last dated in each epoch, in unix milliseconds. Collectors whose settings differ may read two processes
   * under one name, so the last reading of all says nothing of either. Missing for an epoch that only 1.0 has read.
   */
  readonly seen?: Readonly<Record<string, number>>;
  /** Where the node was found when its last mark was added; missing when nobody said. */
  readonly address?: string;
  /** What the ledger calls lives that begin here, where that is not the node's name. */
  readonly series?: string;
}

/** A process that shows a mark which its node never showed before. */
export interface NewMark {
  readonly node: string;
  readonly mark: string;
  /** Where the node is found; left out by who does not say. */
  readonly address?: string;
  /** The process has been running since this moment or longer. Unix milliseconds. */
  readonly startedBefore: number;
  /** The marks that other nodes show at this moment; left out by who has not looked. */
  readonly elsewhere?: ReadonlySet<string>;
}

/** How many marks are remembered. Only the newest ones can still be alive. */
const KEPT_MARKS = 32;

/** How far the clocks of two collectors may lie apart, in milliseconds. */
const CLOCK_TOLERANCE = 5_000;

/**
 * How far the stored moment of the last reading may lie ahead of a new one, in milliseconds: one that lies further ahead was
 * written by a clock that was wrong, and gives way.
 */
export const LONGEST_AHEAD_MS = 60_000;

/** No node's name can hold it, so that what begins with a name and this belongs to that node alone. */
const SERIES_SEPARATOR = "@";

/** A mark that was seen on the node before. */
export function seenMark(lives: NodeLives | null, mark: string): SeenMark | undefined {
  return lives?.marks.find((seen) => seen.mark === mark);
}

/** What the ledger calls a life whose mark was seen. */
export function lifeOf({ node }: Pick<NodeLives, "node">, { epoch, life }: SeenMark): Life {
  return life ?? { node, epoch };
}

/** Whether two names are of the same life. */
export function isSameLife(one: Life, other: Life): boolean {
  return one.node === other.node && one.epoch === other.epoch;
}

/** What the ledger calls lives that begin on this node. */
export function seriesOf({ node, series }: Pick<NodeLives, "node" | "series">): string {
  return series ?? node;
}

/**
 * Gives a mark that was not seen before its epoch. Do it between reading the mark and reading it again: then the marks that
 * have readings are in the order of the lives they mark, and a higher epoch means a later life.
 *
 * The mark vanishes when the process ends, so a new one is a new epoch, unless the process has surely been running since
 * before the last reading that an old mark dated at the same address: then somebody removed the old mark, the counters went
 * on, and so does the epoch. When that is not certain it is a new life, as restarts are everyday and a mark that others
 * remove is not.
 *
 * A node that is found elsewhere says nothing of the process at its old address: that one may run on under another name. So
 * a life that begins there gets a series of its own; also at the same address, when another node shows a mark of the series.
 *
 * @param now unix milliseconds
 */
export function addMark(lives: NodeLives | null, process: NewMark, now: number): NodeLives {
  const { node, mark } = process;
  const epoch = nextEpoch(lives, now);
  if (lives === null) return firstLives(process, { mark, epoch });
  const left = livesElsewhere(lives, process);
  const isShared = hasMoved(lives, process) || left.some((life) => life.node === seriesOf(lives));
  const series = isShared ? freshSeries(node, epoch) : seriesOf(lives);
  const before = markBefore(lives, process, now);
  const begun = { mark, epoch, ...(series !== node && { life: { node: series, epoch } }) };
  const seen = before === undefined ? begun : { ...before, mark };
  const restarts = lives.restarts + (before === undefined ? 1 : 0);
  return { ...withMark(lives, process, seen), ...named(node, series), restarts };
}

/** The mark that the process showed before somebody removed it, if that is certain. */
function markBefore(lives: NodeLives, process: NewMark, now: number): SeenMark | undefined {
  const { address, startedBefore } = process;
  const left = livesElsewhere(lives, process);
  return lives.marks.findLast((seen) => {
    if (left.some((life) => isSameLife(life, lifeOf(lives, seen)))) return false;
    const place = seen.address ?? lives.address;
    if (place !== undefined && address !== undefined && place !== address) return false;
    const seenAt = seenAtIn(lives, seen);
    // A moment that lies ahead was written by a clock that is wrong, and tells nothing.
    return seenAt <= now + CLOCK_TOLERANCE && startedBefore <= seenAt - CLOCK_TOLERANCE;
  });
}

/** The lives of a node that run under other names by now, as far as that was seen. */
function livesElsewhere(lives: NodeLives, { elsewhere }: NewMark): Life[] {
  return lives.marks.filter(({ mark }) => elsewhere?.has(mark)).map((seen) => lifeOf(lives, seen));
}

/** When a reading was last dated in the epoch of a mark. Unix milliseconds, 0 when never. */
export function seenAtIn({ seen, seenAt, seenEpoch }: NodeLives, { epoch }: SeenMark): number {
  return seen?.[epoch] ?? (epoch === seenEpoch ? seenAt : 0);
}

/**
 * Notes that a node shows a life that the ledger knows under another name: the node was renamed, or two nodes changed places.
 * Lives that begin here later get a series of their own, as the one that stood here before may run on elsewhere.
 */
export function adoptLife(
  lives: NodeLives | null,
  process: Omit<NewMark, "startedBefore" | "elsewhere">,
  life: Life,
  now: number,
): NodeLives {
  const { node, mark } = process;
  const epoch = nextEpoch(lives, now);
  if (lives === null) return firstLives(process, { mark, epoch, life });
  const seen = seenMark(lives, mark);
  if (seen === undefined) {
    return { ...withMark(lives, process, { mark, epoch, life }), ...named(node, freshSeries(node, epoch)) };
  }
  const marks = lives.marks.map((other) => (other === seen ? { ...seen, life } : other));
  return { ...lives, revision: lives.revision + 1, marks };
}

/** Gives lives that begin on a node a series of their own from now on, as a life of its old series runs under another name. */
export function leaveSeries(lives: NodeLives, now: number): NodeLives {
  const series = freshSeries(lives.node, nextEpoch(lives, now));
  return { ...lives, revision: lives.revision + 1, series };
}

function firstLives({ node, address }: Omit<NewMark, "startedBefore" | "elsewhere">, seen: SeenMark): NodeLives {
  const place = address === undefined ? {} : { address };
  return { node, revision: 1, marks: [{ ...seen, ...place }], restarts: 0, seenAt: 0, seenEpoch: 0, ...place };
}

function withMark(lives: NodeLives, { address }: Pick<NewMark, "address">, seen: SeenMark): NodeLives {
  const place = address === undefined ? {} : { address };
  const marks = [...lives.marks, { ...seen, ...place }].slice(-KEPT_MARKS);
  return { ...lives, revision: lives.revision + 1, marks, ...place };
}

function hasMoved(lives: NodeLives, { address }: Pick<NewMark, "address">): boolean {
  return lives.address !== undefined && address !== undefined && lives.address !== address;
}

function nextEpoch(lives: NodeLives | null, now: number): number {
  return Math.max(Math.floor(now / 1000), ...(lives?.marks ?? []).map((seen) => seen.epoch + 1));
}

function freshSeries(node: string, epoch: number): string {
  return `${node}${SERIES_SEPARATOR}${epoch}`;
}

/** The node on which lives of a series began. */
export function nodeOfSeries(series: string): string {
  const [node = series] = series.split(SERIES_SEPARATOR);
  return node;
}

function named(node: string, series: string): Pick<NodeLives, "series"> {
  return series === node ? {} : { series };
}
