import {
  addMark,
  adoptLife,
  isSameLife,
  leaveSeries,
  type Life,
  lifeOf,
  type NewMark,
  type NodeLives,
  seenAtIn,
  seenMark,
  seriesOf,
} from "./node-lives.ts";
import type { NodeLivesStore } from "./ports.ts";

/** A process whose life is asked for. */
export interface ShownMark extends Omit<NewMark, "startedBefore" | "elsewhere"> {
  /**
   * Since when the process has surely been running, in unix milliseconds. Asked only when nobody knows its mark.
   *
   * @throws whatever keeps it from being known
   */
  readonly startedBefore: () => Promise<number>;
  /**
   * The marks that other nodes show, as far as they can be read; left out by who can't tell. Asked only when nobody knows this
   * node's mark.
   */
  readonly elsewhere?: () => Promise<ReadonlySet<string>>;
}

/** The life that a node shows. */
export interface IdentifiedLife {
  readonly life: Life;
  /** The node's own number of it, for `raiseSeen`. */
  readonly epoch: number;
}

/**
 * Finds out which life a mark is of: the same for everybody, for good. The first claim of a mark decides, so a process that
 * is read under another name, or under two, goes on in the entries that it has, and nothing of it is counted twice.
 *
 * Call it between reading the mark and reading it again. It may be cut off anywhere and repeated.
 *
 * @param now unix milliseconds
 * @throws {StoreUnavailableError} when the store is away
 * @throws {UnreadableRecordError} when what is stored of the node or the mark makes no sense
 */
export async function identifyLife(
  store: NodeLivesStore,
  shown: ShownMark,
  now: () => number,
): Promise<IdentifiedLife> {
  const life = (await store.findClaim(shown.mark)) ?? (await claimLife(store, shown, now));
  while (true) {
    const lives = await store.find(shown.node);
    const seen = seenMark(lives, shown.mark);
    if (lives !== null && seen !== undefined && isSameLife(lifeOf(lives, seen), life)) {
      return { life, epoch: seen.epoch };
    }
    if (await isLeftToAdopter(store, shown.node, life, now())) {
      await put(store, lives, adoptLife(lives, shown, life, now()));
    }
  }
}

async function claimLife(store: NodeLivesStore, shown: ShownMark, now: () => number): Promise<Life> {
  let process: NewMark | undefined;
  while (true) {
    const all = await store.list();
    const known = knownLife(all, shown);
    if (known !== undefined) return store.claim(shown.mark, known);
    process ??= await newMark(shown);
    const lives = all.find(({ node }) => node === shown.node) ?? null;
    // A list leaves out what makes no sense, and nothing may be begun anew in its place. One that came meanwhile is listed next.
    if (lives === null && (await store.find(shown.node)) !== null) continue;
    await put(store, lives, addMark(lives, process, now()));
  }
}

async function newMark({ node, mark, address, startedBefore, elsewhere }: ShownMark): Promise<NewMark> {
  const place = address === undefined ? {} : { address };
  const seen = elsewhere === undefined ? {} : { elsewhere: await elsewhere() };
  return { node, mark, ...place, ...seen, startedBefore: await startedBefore() };
}

/**
 * What nodes say of a mark that nobody has claimed: whoever added it was cut off, or is of a version that claims nothing. Of
 * two that say something different the one that was read last has the larger values.
 */
function knownLife(all: readonly NodeLives[], { node, mark }: ShownMark): Life | undefined {
  const shows = all.flatMap((lives) => {
    const seen = seenMark(lives, mark);
    return seen === undefined
      ? []
      : [{ at: seenAtIn(lives, seen), isOwn: lives.node === node, life: lifeOf(lives, seen) }];
  });
  return shows.toSorted((a, b) => b.at - a.at || Number(b.isOwn) - Number(a.isOwn))[0]?.life;
}

/**
 * Keeps the node whose series a life is of from beginning another one in it, while this one runs under another name.
 *
 * @returns whether no other node begins lives in that series any more; otherwise look again
 */
async function isLeftToAdopter(store: NodeLivesStore, adopter: string, life: Life, now: number): Promise<boolean> {
  const owners = (await store.list()).filter((lives) => lives.node !== adopter && seriesOf(lives) === life.node);
  for (const lives of owners) if (!(await put(store, lives, leaveSeries(lives, now)))) return false;
  return true;
}

/** Replaces lives unless they have changed, and forgets the claims of marks that went with them. */
async function put(store: NodeLivesStore, before: NodeLives | null, after: NodeLives): Promise<boolean> {
  if (!(await store.replace(before, after))) return false;
  const kept = new Set(after.marks.map(({ mark }) => mark));
  const dropped = (before?.marks ?? []).filter(({ mark }) => !kept.has(mark));
  if (dropped.length > 0) await store.removeClaims(dropped.map(({ mark }) => mark));
  return true;
}
