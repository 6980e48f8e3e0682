import { type Bytes, type Direction, type Baseline, NO_BYTES } from "./model.ts";

/** Somebody else reset a counter: it fell below what the ledger held before it was read, so a new generation begins. */
export interface CounterReset {
  readonly kind: "counter-reset";
  /** The version of the record this was prepared on. */
  readonly version: number;
  readonly node: string;
  readonly epoch: number;
  readonly direction: Direction;
  /** The generation that begins. */
  readonly generation: number;
  /** What the generation before is worth from now on, whatever slow collectors still write to it. */
  readonly closedAt: number;
  /** The value that was read, the first of the new generation. */
  readonly first: number;
}

/**
 * The node's multiplier is another one: a new generation begins within the growth of the counter, and bytes count as it says. The
 * one before is not closed: what slow collectors still write to it counts beside, see `multipliedBeyond`.
 */
export interface MultiplierChange {
  readonly kind: "multiplier-change";
  /** The version of the record this was prepared on. */
  readonly version: number;
  readonly node: string;
  readonly epoch: number;
  readonly direction: Direction;
  /** The generation that begins. */
  readonly generation: number;
  /** What the ledger held of the counter: the generation begins there, and what lies before is history. */
  readonly from: number;
  /** From 0 to 100, in steps of 0.1. */
  readonly multiplier: number;
  /** The value that was read, the first of the new generation. */
  readonly first: number;
}

/** What begins a generation of a counter. */
export type GenerationStart = CounterReset | MultiplierChange;

/** The total was set back to zero by a job. */
export interface Reset {
  readonly kind: "reset";
  /** The version of the record this was prepared on. */
  readonly version: number;
  readonly job: string;
  /** Unix seconds. */
  readonly at: number;
  /** Only what lies after this counts from now on. */
  readonly baseline: Baseline;
  /** What the job answers: the bytes that counted until now. */
  readonly previous: Bytes;
}

/**
 * Something that decides. Events are only ever appended, without a condition; an event holds when the record still has the
 * version it was prepared on, and each one that holds raises the version by one. So of two that were prepared on the same
 * version the first to be appended holds, the other one means nothing, and every reader sees it the same way.
 */
export type LedgerEvent = GenerationStart | Reset;

/** What a reset job answered. */
export interface ResetAnswer {
  readonly job: string;
  /** Unix seconds. */
  readonly at: number;
  readonly previous: Bytes;
}

/** What counted before the newest reset that `compact` has worked in. */
export interface EarlierBytes extends Bytes {
  /** The job of that reset, or `null` for none. Resets that are answered after it are not in the figure: 1.0 worked them in. */
  readonly through: string | null;
}

/** The largest values that entries had reached by the end of an hour, of those that moved in it. */
export type HourlyValues = Readonly<Record<string, Readonly<Record<string, Partial<Bytes>>>>>;

/**
 * What is stored of a metered entity (a key, or a node's inbound). Collectors change it without conditions, in any order and any
 * number of times: `live` is only ever raised, `log` only ever appended to. Everything else is written by `compact` alone,
 * which replaces the record when its revision has not moved.
 */
export interface TrafficRecord {
  readonly entity: string;
  /** Goes up with every write. */
  readonly revision: number;
  /** When a collector last read this entity's counters. Unix seconds, 0 when never. */
  readonly readAt: number;
  /** The largest value seen per entry (see `formatEntryId`) and direction. */
  readonly live: Readonly<Record<string, Partial<Bytes>>>;
  readonly log: readonly LedgerEvent[];
  /** The version before the first event of `log`. */
  readonly version: number;
  /** What counts from before `baseline`. */
  readonly folded: Bytes;
  /** What lies before is history: worked into `folded`, or taken off by a reset. */
  readonly baseline: Baseline;
  /** The answers of the resets that `compact` has worked in, oldest first. */
  readonly answers: readonly ResetAnswer[];
  readonly earlier: EarlierBytes;
  /** When bytes were last counted. Unix seconds, 0 when never or by 1.0 alone. */
  readonly countedAt: number;
  /** When the first bytes were counted. Unix seconds; 0 when never, and when 1.0 or an import counted them. */
  readonly firstCountedAt: number;
  /** By hour, in hours since 1970; of the last hours only, see `UsageHistory`. */
  readonly hours: HourlyValues;
  /** What had counted when 1.0 was replaced by a version that keeps hours; missing when that kept all of it. */
  readonly historyFrom?: Bytes;
}

/** The record of an entity that nobody has written yet. */
export function emptyRecord(entity: string): TrafficRecord {
  return {
    entity,
    revision: 0,
    readAt: 0,
    live: {},
    log: [],
    version: 0,
    folded: NO_BYTES,
    baseline: {},
    answers: [],
    earlier: { ...NO_BYTES, through: null },
    countedAt: 0,
    firstCountedAt: 0,
    hours: {},
  };
}
