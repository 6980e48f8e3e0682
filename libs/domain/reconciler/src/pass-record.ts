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
  /** When the last pass began that listed the node's users. */
  readonly listedAt: number;
  /** The version of the node's place it was made over: it says nothing of another one. Null of a pass that did not know. */
  readonly version: string | null;
  /** How many users it held then that are not ours; null of a pass by a version that did not count them. */
  readonly unmanaged: number | null;
}

/** Whether a node holds the users that it should after a pass, but for a few who are held elsewhere. */
export function isServedBy({ postponed, users, brakedSince }: PassRecord): boolean {
  return brakedSince === null && postponed <= users * MOST_ABSENT_SHARE;
}

const MOST_ABSENT_SHARE = 0.5;

/** When a pass that could not repair everything is followed by the next one: what held it up is mostly free then. */
const AGAIN_AFTER_MS = 5_000;

/**
 * In how many milliseconds the node is due again; 0 or less when it is.
 *
 * At the full periods of the shared clock, so that the nodes of a process come together and share their reads. Never in more than one
 * and a half of them, however that clock was set since.
 */
export function nextPassIn({ begunAt, postponed }: PassRecord, now: number, periodMs: number): number {
  const earliest = begunAt + periodMs / 2;
  const dueAt = Math.ceil(earliest / periodMs) * periodMs;
  const inMs = (postponed > 0 ? Math.min(begunAt + AGAIN_AFTER_MS, dueAt) : dueAt) - now;
  return Math.min(inMs, periodMs * 1.5);
}

/** The counts of a node's users and of the keys, side by side. */
export interface UserCounts {
  /** Users that the node holds, whoever they belong to. */
  readonly held: number;
  /** How many it should hold of ours. */
  readonly wanted: number;
  /** Whether an older operation may still undo one of ours. */
  readonly isIndeterminate: boolean;
}

/**
 * Whether comparing counts may take the place of a pass: the last pass left nothing to do, and the node was listed not too long ago.
 *
 * @param listEveryMs after so long the users are listed whatever their number is
 */
export function mayCompareCounts(last: PassRecord | null, now: number, listEveryMs: number): last is PassRecord {
  if (last === null || last.postponed > 0 || last.brakedSince !== null) return false;
  const age = now - last.listedAt;
  return age >= 0 && age < listEveryMs;
}

/** Whether the node holds as many users as it should, and none of them is to be made to converge. */
export function countsAgree({ unmanaged }: PassRecord, { held, wanted, isIndeterminate }: UserCounts): boolean {
  return !isIndeterminate && unmanaged !== null && held === wanted + unmanaged;
}
