import type { Bytes } from "./model.ts";
import type { Observation } from "./observe.ts";
import { emptyRecord, type CounterReset, type LedgerEvent, type TrafficRecord } from "./traffic-record.ts";

/** One write to one record: values to raise, events to append. It needs no condition, and what it raises may be raised twice. */
export interface LedgerUpdate {
  readonly entity: string;
  /** When the counters were read. Unix seconds. */
  readonly read_at: number;
  readonly raise: Readonly<Record<string, Partial<Bytes>>>;
  readonly append: readonly LedgerEvent[];
}

/**
 * The write that stores what one or several nodes' readings changed in an entity. When nothing has changed (`null`), it
 * stores the moment of the reading.
 */
export function updateOf(entity: string, observations: readonly (Observation | null)[], readAt: number): LedgerUpdate {
  const raise: Record<string, Partial<Bytes>> = {};
  const counterResets: CounterReset[] = [];
  for (const observation of observations) {
    if (observation === null) continue;
    Object.assign(raise, observation.raise);
    counterResets.push(...observation.counterResets);
  }
  // Prepared on the same version one by one; appended together they have to follow each other.
  const version = Math.min(...counterResets.map((reset) => reset.version));
  const append = counterResets.map((reset, index) => ({ ...reset, version: version + index }));
  return { entity, read_at: readAt, raise, append };
}

/** What a store does with an update: `$max` on every raised value and on `read_at`, `$push` of every event, revision + 1. */
export function applyUpdate(record: TrafficRecord | null, update: LedgerUpdate): TrafficRecord {
  const before = record ?? emptyRecord(update.entity);
  const live: Record<string, Partial<Bytes>> = { ...before.live };
  for (const [name, bytes] of Object.entries(update.raise)) live[name] = raised(live[name], bytes);
  return {
    ...before,
    revision: before.revision + 1,
    read_at: Math.max(before.read_at, update.read_at),
    live,
    log: [...before.log, ...update.append],
  };
}

function raised(present: Partial<Bytes> = {}, bytes: Partial<Bytes>): Partial<Bytes> {
  const after: { up?: number; down?: number } = { ...present };
  if (bytes.up !== undefined) after.up = Math.max(present.up ?? bytes.up, bytes.up);
  if (bytes.down !== undefined) after.down = Math.max(present.down ?? bytes.down, bytes.down);
  return after;
}
