/** The last good pass over a node, as all processes share it. Times are milliseconds of one clock that all of them ask. */
export interface PassRecord {
  readonly begunAt: number;
  /** Users that it could not repair. */
  readonly postponed: number;
  /** Users of ours that the node was to hold then. */
  readonly users: number;
  /** Since when passes leave the node as it is because the database is suspect; null when they do not. */
  readonly brakedSince: number | null;
  /** The groups of the node, as it knew them; null of a pass by a version that knew none. */
  readonly groups: readonly string[] | null;
}

/** When a pass that could not repair everything is followed by the next one: what held it up is mostly free then. */
const AGAIN_AFTER_MS = 5_000;

/**
 * In how many milliseconds the node is due again; 0 or less when it is.
 *
 * At the full periods of the shared clock, so that the nodes of a process come together and share their reads.
 */
export function nextPassIn({ begunAt, postponed }: PassRecord, now: number, periodMs: number): number {
  const earliest = begunAt + periodMs / 2;
  const dueAt = Math.ceil(earliest / periodMs) * periodMs;
  return (postponed > 0 ? Math.min(begunAt + AGAIN_AFTER_MS, dueAt) : dueAt) - now;
}
