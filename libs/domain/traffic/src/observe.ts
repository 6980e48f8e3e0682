import { type Bytes, type Direction, DIRECTIONS, formatEntryId } from "./model.ts";
import { type CountedState, counterOf, viewOf } from "./ledger-view.ts";
import { PLAIN_MULTIPLIER } from "./multiplied.ts";
import type { GenerationStart, TrafficRecord } from "./traffic-record.ts";

/**
 * What the ledger held of an entity's counters in one epoch of one node at some moment. Kept for later it stays true as a
 * lower bound: what it knows of values can only have been raised since, and a generation that has been closed meanwhile
 * takes no more bytes.
 */
export interface Known {
  readonly version: number;
  readonly up: CountedState;
  readonly down: CountedState;
  /** Whether nothing has been counted of the entity, on any node. */
  readonly isNew: boolean;
  /** What has been counted of an entity of which no hour is kept yet: its history begins there. */
  readonly historyFrom?: Bytes;
}

/** The counters of an entity as one node gave them. A counter that does not exist (yet) is left out. */
export interface Reading extends Partial<Bytes> {
  readonly node: string;
  readonly epoch: number;
}

/** What a reading changes. */
export interface Observation {
  /** Values to raise, by entry name. */
  readonly raise: Readonly<Record<string, Partial<Bytes>>>;
  /** Generations to begin, in the order in which they must be appended. */
  readonly begun: readonly GenerationStart[];
  /** Whether these are the first bytes that are counted of the entity. */
  readonly isFirst: boolean;
  /** Where the history of hours begins, when this is what begins it. */
  readonly historyFrom?: Bytes;
  /** What the ledger holds at least, once `raise` is written. Says nothing about `begun`: another one may have been first. */
  readonly known: Known;
}

/** What a record holds of a node's counters in an epoch. `null` stands for a record that does not exist. */
export function knownOf(record: TrafficRecord | null, node: string, epoch: number): Known {
  if (record === null) return NOTHING_KNOWN;
  const view = viewOf(record);
  const hasCounted = view.lifetime.up + view.lifetime.down > 0;
  // Bytes may count as nothing.
  const isNew = !hasCounted && view.entries.every(({ value }) => value === 0);
  const isWithoutHistory = hasCounted && record.historyFrom === undefined && Object.keys(record.hours).length === 0;
  return {
    version: view.version,
    up: counterOf(view, node, epoch, "up"),
    down: counterOf(view, node, epoch, "down"),
    isNew,
    ...(isWithoutHistory && { historyFrom: view.lifetime }),
  };
}

const NOTHING_KNOWN: Known = {
  version: 0,
  up: { generation: 0, value: 0, multiplier: PLAIN_MULTIPLIER },
  down: { generation: 0, value: 0, multiplier: PLAIN_MULTIPLIER },
  isNew: true,
};

/**
 * Compares a reading with what the ledger held BEFORE the counters were read: only a value below that has fallen. (Compared
 * with anything later, two overlapping collectors would see resets in each other's slowness, and count bytes twice.)
 *
 * The two directions are reset separately, because Xray resets counters one by one.
 *
 * @param multiplier what bytes of the node count as now, from 0 to 100 in steps of 0.1: those beyond what the ledger held do. What
 *   was counted since somebody reset a counter counts as before, up to this reading.
 * @returns what to write, or `null` when the ledger holds all of it
 */
export function observe(known: Known, reading: Reading, multiplier = PLAIN_MULTIPLIER): Observation | null {
  if (DIRECTIONS.every((direction) => isHeld(known, reading, direction))) return null;
  const raise: Record<string, { up?: number; down?: number }> = {};
  const begun: GenerationStart[] = [];
  const { isNew, historyFrom, ...states } = known;
  let after: Known = { ...states, isNew: false };
  for (const direction of DIRECTIONS) {
    const value = reading[direction];
    const { node, epoch } = reading;
    const { generation, value: held, multiplier: present } = known[direction];
    if (value === undefined || isHeld(known, reading, direction)) continue;
    if (value > held && multiplier === present) {
      const name = formatEntryId({ node, epoch, generation });
      raise[name] = { ...raise[name], [direction]: value };
      after = { ...after, [direction]: { generation, value, multiplier } };
      continue;
    }
    const version = known.version + begun.length;
    const start = { version, node, epoch, direction, generation: generation + 1, first: value };
    if (value > held) begun.push({ kind: "multiplier-change", ...start, from: held, multiplier });
    else begun.push({ kind: "counter-reset", ...start, closedAt: held });
  }
  return { raise, begun, isFirst: isNew, ...(historyFrom && { historyFrom }), known: after };
}

function isHeld(known: Known, reading: Reading, direction: Direction): boolean {
  const value = reading[direction];
  return value === undefined || value === known[direction].value;
}
