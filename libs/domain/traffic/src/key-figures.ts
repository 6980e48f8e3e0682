import { viewOf, totalsOf } from "./ledger-view.ts";
import { type Bytes, eachDirection, NO_BYTES } from "./model.ts";
import type { TrafficRecord } from "./traffic-record.ts";

/**
 * A reset that the document of a key decided, by the one write that put it there. The ledger needs no word of it: bytes that
 * have ever counted are never taken back, so what had counted by then says all.
 */
export interface DecidedReset {
  /** Who asks for the same reset again, says the same. */
  readonly id: string;
  /** Unix seconds. */
  readonly at: number;
  /** The bytes that had ever counted when it was decided. */
  readonly baseline: Bytes;
}

/** What a key's traffic is, by its record and its resets. */
export interface KeyFigures {
  /** Since the last reset, of whichever kind. */
  readonly used: Bytes;
  /** Ever. No reset lowers it. */
  readonly lifetime: Bytes;
  /** When its counters were last read. Unix seconds, `null` when never. */
  readonly readAt: number | null;
  /** When bytes were last counted. Unix seconds, `null` when never. */
  readonly lastCountedAt: number | null;
  /** When the first bytes were counted. Unix seconds; `null` when never, and when nobody noted it. */
  readonly firstCountedAt: number | null;
}

/** How many resets a key remembers, for who asks for one of them again. */
const KEPT_RESETS = 32;

/**
 * What is to be stored as a key's resets, in one write that holds only if they are still those given. Bytes that moved before
 * and are read later count after the reset, as far as they had not been counted; none counts twice, and none is lost.
 *
 * @param resets those of the key, oldest first
 * @param record the key's record, read before; `null` when it has none
 * @param at unix seconds
 * @returns the same list when it has a reset with this id
 */
export function decideReset(
  resets: readonly DecidedReset[],
  record: TrafficRecord | null,
  { id, at }: Pick<DecidedReset, "id" | "at">,
): readonly DecidedReset[] {
  if (resets.some((reset) => reset.id === id)) return resets;
  return [...resets, { id, at, baseline: figuresOf(record).lifetime }].slice(-KEPT_RESETS);
}

/**
 * @param record the key's record; `null` when it has none
 * @param resets those that the key's document decided, oldest first. Resets of the ledger itself count beside them.
 */
export function figuresOf(record: TrafficRecord | null, resets: readonly DecidedReset[] = []): KeyFigures {
  if (record === null) return NOTHING_COUNTED;
  const view = viewOf(record);
  const { lifetime } = view;
  const sinceLedgerReset = totalsOf(view);
  const baseline = resets.at(-1)?.baseline ?? NO_BYTES;
  const used = eachDirection((direction) =>
    Math.min(sinceLedgerReset[direction], Math.max(0, lifetime[direction] - baseline[direction])),
  );
  const hasCounted = lifetime.up + lifetime.down > 0;
  // 1.0 noted only when counters were read; that it wrote it when nothing had moved was rare. Bytes may count as nothing.
  const lastCountedAt = record.countedAt > 0 || !hasCounted ? record.countedAt : record.readAt;
  return {
    used,
    lifetime,
    readAt: orNull(record.readAt),
    lastCountedAt: orNull(lastCountedAt),
    firstCountedAt: orNull(record.firstCountedAt),
  };
}

const NOTHING_COUNTED: KeyFigures = {
  used: NO_BYTES,
  lifetime: NO_BYTES,
  readAt: null,
  lastCountedAt: null,
  firstCountedAt: null,
};

function orNull(seconds: number): number | null {
  return seconds > 0 ? seconds : null;
}
